// How much a session may say, and how often it may be wrong.

#include "delivery/session_rates.h"

#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

using namespace std::chrono_literals;

class SessionRate : public SessionTest {};

constexpr char kPong[] = R"({"type":"pong"})";

std::string CodeOf(const boost::json::object& error) {
  return boost::json::value_to<std::string>(error.at("code"));
}

TEST_F(SessionRate, FramesOverTheRateAreRefusedAndNotActedUpon) {
  session_policy_.frame_rate = 10;
  TestConnection& alice = Connect("alice");
  for (int n = 0; n < 9; ++n) alice.Say(kPong);
  EXPECT_EQ(alice.Count("error"), 0U);
  alice.Say(R"({"type":"subscribe","id":7,"channel":"room/1"})");
  const auto error = Take(alice, "error");
  EXPECT_EQ(CodeOf(error), "resource_exhausted");
  EXPECT_EQ(error.at("id"), 7);
  EXPECT_EQ(error.at("retryable"), true);
  EXPECT_EQ(error.at("retryAfterMs"), 100);
  Advance(alice, 100ms);
  alice.Say(R"({"type":"subscribe","id":8,"channel":"room/2"})");
  Take(alice, "subscribed");
  EXPECT_EQ(IdOf("room/1"), ChannelId{});
}

TEST_F(SessionRate, BytesCountAsFramesDo) {
  session_policy_.byte_rate = 1000;
  TestConnection& alice = Connect("alice");
  alice.Say(R"({"type":"pong","pad":")" + std::string(900, 'x') + "\"}");
  alice.Say(R"({"type":"pong","pad":")" + std::string(900, 'x') + "\"}");
  const auto error = Take(alice, "error");
  EXPECT_EQ(CodeOf(error), "resource_exhausted");
  EXPECT_GT(error.at("retryAfterMs").as_int64(), 700);
}

TEST_F(SessionRate, PingsCountAsFramesDo) {
  session_policy_.frame_rate = 5;
  TestConnection& alice = Connect("alice");
  for (int n = 0; n < 5; ++n) alice.session->OnControl();
  EXPECT_EQ(CodeOf(Take(alice, "error")), "resource_exhausted");
}

TEST_F(SessionRate, WhoGoesOnOverTheRateIsClosed) {
  session_policy_.frame_rate = 1;
  TestConnection& alice = Connect("alice");
  for (std::uint64_t n = 0; n < SessionRates::kErrorsAtOnce; ++n) alice.Say(kPong);
  EXPECT_TRUE(alice.session->open());
  alice.Say(kPong);
  EXPECT_EQ(alice.outlet.closed_with, close_code::kTooManyErrors);
  EXPECT_EQ(alice.Count("error"), SessionRates::kErrorsAtOnce + 1);
}

TEST_F(SessionRate, WhoIsWrongAgainAndAgainIsClosed) {
  TestConnection& alice = Connect("alice");
  for (std::uint64_t n = 0; n < SessionRates::kErrorsAtOnce; ++n) {
    alice.Say(R"({"type":"ack","upTo":99})");
  }
  EXPECT_TRUE(alice.session->open());
  Advance(alice, 100ms);
  alice.Say(R"({"type":"unheard-of"})");
  EXPECT_TRUE(alice.session->open());
  alice.Say(R"({"type":"connect","client":"alice"})");
  EXPECT_EQ(alice.outlet.closed_with, close_code::kTooManyErrors);
}

TEST_F(SessionRate, WithoutARateAClientMaySayAsMuchAsItCan) {
  TestConnection& alice = Connect("alice");
  for (int n = 0; n < 20'000; ++n) alice.Say(kPong);
  EXPECT_EQ(alice.Count("error"), 0U);
}

}  // namespace
}  // namespace ackwire
