#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "delivery/frame_protocol.h"

namespace ackwire::frame {
namespace {

using ::testing::IsEmpty;

Welcome AWelcome() {
  return {.session = "s-1",
          .epoch = "e",
          .client = "alice/phone",
          .window = 256,
          .ping_interval = Duration(30'000),
          .ping_timeout = Duration(45'000),
          .resumed = false,
          .max_frame_bytes = 1'048'576,
          .subscriptions = {{"room/1", Seq{41}, Seq{57}}, {"room/2", Seq{0}, Seq{0}}}};
}

TEST(ServerFrame, SpellsWelcomeAsTheContractDoes) {
  Welcome welcome = AWelcome();
  EXPECT_EQ(JsonProtocol().EncodeWelcome(welcome),
            R"({"type":"welcome","session":"s-1","epoch":"e","client":"alice/phone","window":256,)"
            R"("pingIntervalMs":30000,"pingTimeoutMs":45000,"resumed":false,)"
            R"("maxFrameBytes":1048576,"subscriptions":[{"channel":"room/1","floor":41,)"
            R"("lastSeq":57},{"channel":"room/2","floor":0,"lastSeq":0}]})");
  EXPECT_THAT(welcome.subscriptions, IsEmpty());
}

TEST(ServerFrame, AWelcomeHoldsOnlyTheSubscriptionsThatFit) {
  Welcome welcome = AWelcome();
  welcome.max_frame_bytes = 1'024;
  welcome.subscriptions.clear();
  for (int i = 0; i < 100; ++i) {
    welcome.subscriptions.push_back({"room/" + std::to_string(i), Seq{0}, Seq{1}});
  }
  const std::string text = JsonProtocol().EncodeWelcome(welcome);
  EXPECT_LE(text.size(), 1'024U);
  EXPECT_GT(text.size(), 1'024U - 60);
  const boost::json::value frame = boost::json::parse(text);
  const auto& listed = frame.at("subscriptions").as_array();
  EXPECT_EQ(listed.size() + welcome.subscriptions.size(), 100U);
  EXPECT_EQ(welcome.subscriptions.front().channel, "room/" + std::to_string(listed.size()));
}

TEST(ServerFrame, AWelcomeFillsTheFrameToTheLastByte) {
  Welcome welcome = AWelcome();
  welcome.max_frame_bytes = 9'999;  // as many digits as what it takes
  welcome.session = std::string(1'000, 's');
  const Welcome same = welcome;
  const std::size_t whole = JsonProtocol().EncodeWelcome(welcome).size();
  for (const std::size_t missing : {0U, 1U}) {
    welcome = same;
    welcome.max_frame_bytes = static_cast<std::uint32_t>(whole - missing);
    EXPECT_LE(JsonProtocol().EncodeWelcome(welcome).size(), welcome.max_frame_bytes);
    EXPECT_EQ(welcome.subscriptions.size(), missing);
  }
}

TEST(ServerFrame, SpellsTheAnswersAsTheContractDoes) {
  EXPECT_EQ(JsonProtocol().EncodeSubscribed(1, {"room/1", Seq{57}, Seq{58}}),
            R"({"type":"subscribed","id":1,"channel":"room/1","floor":57,"lastSeq":58})");
  EXPECT_EQ(JsonProtocol().EncodeUnsubscribed(2, "room/1", 3),
            R"({"type":"unsubscribed","id":2,"channel":"room/1","abandoned":3})");
  EXPECT_EQ(JsonProtocol().EncodeConfirmed(4), R"({"type":"confirmed","id":4})");
  EXPECT_EQ(JsonProtocol().EncodePing(), R"({"type":"ping"})");
  EXPECT_EQ(JsonProtocol().EncodeDraining({.reconnect_after = Duration(7312), .reason = "deploy"}),
            R"({"type":"draining","reconnectAfterMs":7312,"backoffFactor":2,"reason":"deploy"})");
}

TEST(ServerFrame, SpellsErrorsAsTheContractDoes) {
  EXPECT_EQ(JsonProtocol().EncodeError(1, Error(StatusCode::kPermissionDenied, "no \"entry\"")),
            R"({"type":"error","id":1,"code":"permission_denied","message":"no \"entry\"",)"
            R"("retryable":false,"retryAfterMs":0})");
  EXPECT_EQ(
      JsonProtocol().EncodeError(0, Error(StatusCode::kNotFound, "delivery 9"), "unknown_delivery"),
      R"({"type":"error","id":0,"code":"unknown_delivery","message":"delivery 9",)"
      R"("retryable":false,"retryAfterMs":0})");
}

TEST(ServerFrame, AnErrorWorthTryingAgainSaysWhen) {
  const auto error =
      boost::json::parse(JsonProtocol().EncodeError(7, Error(StatusCode::kUnavailable, "full")));
  EXPECT_EQ(error.at("code"), "unavailable");
  EXPECT_EQ(error.at("retryable"), true);
  EXPECT_GT(error.at("retryAfterMs").as_int64(), 0);
}

TEST(ServerFrame, SpellsReceiptsAsTheContractDoes) {
  ItemsFrame frame = JsonProtocol().Receipts();
  frame.Add(JsonProtocol().EncodeReceipt({.channel = "room/1",
                                          .seq = Seq{42},
                                          .message_id = "m",
                                          .owed = 3,
                                          .acked = 2,
                                          .failed = 1,
                                          .users_owed = 2,
                                          .users_reached = 1}));
  EXPECT_EQ(frame.Take(),
            R"({"type":"receipts","items":[{"channel":"room/1","seq":42,"messageId":"m","owed":3,)"
            R"("acked":2,"failed":1,"usersOwed":2,"usersReached":1}]})");
}

TEST(ServerFrame, NamesAreEscaped) {
  const std::string channel = "a\"\\b";
  const auto frame = boost::json::parse(JsonProtocol().EncodeUnsubscribed(1, channel, 0));
  EXPECT_EQ(frame.at("channel").as_string(), channel.c_str());
}

TEST(ServerFrame, ADeliveriesFrameHoldsItsItemsInOrder) {
  ItemsFrame frame = JsonProtocol().Deliveries();
  EXPECT_TRUE(frame.empty());
  frame.Add(JsonProtocol().EncodeDelivery({57, 1, ""}, R"({"seq":42})"));
  frame.Add(JsonProtocol().EncodeDelivery({58, 2, "r-1"}, R"({"seq":43})"));
  EXPECT_FALSE(frame.empty());
  EXPECT_EQ(frame.Take(), R"({"type":"deliveries","items":[)"
                          R"({"delivery":57,"attempt":1,"replay":"","message":{"seq":42}},)"
                          R"({"delivery":58,"attempt":2,"replay":"r-1","message":{"seq":43}}]})");
  EXPECT_TRUE(frame.empty());
}

TEST(ServerFrame, AnItemFitsToTheLastByteAndTheFirstAlways) {
  const std::string item = JsonProtocol().EncodeDelivery({1, 1, ""}, "{}");
  ItemsFrame frame = JsonProtocol().Deliveries();
  EXPECT_TRUE(frame.Fits(item, 1));
  ItemsFrame both = JsonProtocol().Deliveries();
  both.Add(item);
  both.Add(item);
  const std::size_t bytes = both.Take().size();
  frame.Add(item);
  EXPECT_TRUE(frame.Fits(item, bytes));
  EXPECT_FALSE(frame.Fits(item, bytes - 1));
}

}  // namespace
}  // namespace ackwire::frame
