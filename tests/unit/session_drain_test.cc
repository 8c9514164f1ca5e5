// A hub's sessions in a drain: what each is told, and when it is closed.

#include <gmock/gmock.h>

#include "delivery/message_json.h"
#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr std::uint16_t kRestart = close_code::kServiceRestart;
// Short: the hub's timers follow the real time.
constexpr Duration kSpread{20};

class SessionDrainTest : public SessionTest {
 protected:
  void Drain(Duration spread = kSpread) {
    hub().Drain({.spread = spread, .reason = "restart", .gone = [this] { ++gone_; }});
  }
  // Until no session is left.
  void PassSpread() {
    clock_.Advance(kSpread);
    Until([this] { return gone_ > 0; }, "the end of the last session");
  }

  int gone_ = 0;
};

TEST_F(SessionDrainTest, TellsEachSessionWhenToComeAgainAndClosesIt) {
  TestConnection& alice = Connect("alice");
  TestConnection& bob = Connect("bob");
  Drain();
  for (TestConnection* each : {&alice, &bob}) {
    const boost::json::object frame = Take(*each, "draining");
    EXPECT_GE(frame.at("reconnectAfterMs").as_int64(), 0);
    EXPECT_LT(frame.at("reconnectAfterMs").as_int64(), kSpread.count());
    EXPECT_EQ(frame.at("backoffFactor").as_int64(), 2);
    EXPECT_EQ(frame.at("reason").as_string(), "restart");
    EXPECT_EQ(each->outlet.closed_with, 0);
  }
  PassSpread();
  EXPECT_EQ(alice.outlet.closed_with, kRestart);
  EXPECT_EQ(bob.outlet.closed_with, kRestart);
  EXPECT_EQ(gone_, 1);
}

TEST_F(SessionDrainTest, ASessionIsSentAndAcknowledgesUntilItIsClosed) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Drain(24h);
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
  alice.Say(R"({"type":"ack","upTo":1,"id":1})");
  Take(alice, "confirmed");
  EXPECT_EQ(alice.outlet.closed_with, 0);
}

TEST_F(SessionDrainTest, NoneIsClosedBeforeItsMoment) {
  TestConnection& alice = Connect("alice");
  Drain();
  // Its moment by the real time passes, and the clock stands still.
  const std::unique_ptr<WakeTimer> timer = MakeTimer();
  bool passed = false;
  timer->Arm(2 * kSpread, [&passed] { passed = true; });
  Until([&] { return passed; }, "the spread");
  EXPECT_EQ(alice.outlet.closed_with, 0);
  PassSpread();
  EXPECT_EQ(alice.outlet.closed_with, kRestart);
}

TEST_F(SessionDrainTest, WhatIsInFlightAtTheCloseDoesNotCount) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  alice.Written();
  Drain();
  PassSpread();
  Settle();
  const LedgerEntry entry = Entry("alice", kRoom);
  const Retry& retry = entry.retries().at(Seq{1});
  EXPECT_EQ(retry.attempts, 1U);
  EXPECT_EQ(retry.counted, 0U);
  EXPECT_EQ(retry.reason, v1::REASON_DISCONNECTED);
  EXPECT_EQ(store_->ledger().Client("alice")->disconnects, 0U);
}

TEST_F(SessionDrainTest, ASessionThatIsBeingOpenedIsToldOnceItIsOpen) {
  HoldReads();
  TestConnection& alice = Open();
  alice.Say(R"({"type":"connect","client":"alice"})");
  Until([&] { return reads_waiting() > 0; }, "the client is being loaded");
  Drain();
  EXPECT_TRUE(alice.outlet.frames.empty());
  ReleaseReads();
  Take(alice, "welcome");
  Take(alice, "draining");
  PassSpread();
  EXPECT_EQ(alice.outlet.closed_with, kRestart);
}

TEST_F(SessionDrainTest, AConnectionThatCameTooLateIsClosedLikeTheOthers) {
  Connect("alice");
  Drain();
  TestConnection& bob = Open();  // its upgrade had been taken before
  PassSpread();
  EXPECT_EQ(bob.outlet.closed_with, kRestart);
  EXPECT_EQ(bob.Count("draining"), 0U);
}

TEST_F(SessionDrainTest, ASessionThatEndsByItselfIsNoLongerWaitedFor) {
  TestConnection& alice = Connect("alice");
  Drain(24h);
  EXPECT_EQ(gone_, 0);
  alice.session->End(close_code::kAbnormal);
  EXPECT_EQ(gone_, 1);
}

TEST_F(SessionDrainTest, NewSessionsAreRefusedForASpread) {
  EXPECT_EQ(hub().drain(), nullptr);
  Connect("alice");
  Drain(7s);
  ASSERT_NE(hub().drain(), nullptr);
  const Status refusal = hub().drain()->Refusal();
  EXPECT_EQ(refusal.code(), StatusCode::kUnavailable);
  EXPECT_EQ(RetryAfter(refusal), 7s);
}

}  // namespace
}  // namespace ackwire
