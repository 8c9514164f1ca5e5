// What operators do to a client: by its session while it is connected, by its home while it is not.
#include "tests/unit/ledger_events.h"
#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;

class SessionControl : public SessionTest {
 protected:
  bool IsPaused() const { return store_->ledger().Client("alice").value().paused; }
  StatusOr<Recorded> Dismiss() {
    return Change("alice", events::Dismissed("", IdOf(kRoom), {{1}}));
  }
};

TEST_F(SessionControl, APausedClientIsSentNothingUntilItIsResumed) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  EXPECT_TRUE(Change("alice", events::Paused("")).ok());
  EXPECT_TRUE(IsPaused()) << "it is answered once it is on disk";
  Publish(kRoom);
  Settle();
  EXPECT_EQ(alice.Count("deliveries"), 0U);
  EXPECT_TRUE(Change("alice", events::Resumed("")).ok());
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
  EXPECT_FALSE(IsPaused());
}

TEST_F(SessionControl, APauseWhileItIsOfflineHoldsForTheNextSession) {
  Subscribe("alice", kRoom);
  EXPECT_TRUE(Change("alice", events::Paused("")).ok());
  TestConnection& alice = Connect("alice");
  Publish(kRoom);
  Settle();
  EXPECT_EQ(alice.Count("deliveries"), 0U);
}

TEST_F(SessionControl, APauseWhileASessionBeginsHoldsForIt) {
  Subscribe("alice", kRoom);
  HoldReads();
  TestConnection& alice = Open();
  alice.Say(R"({"type":"connect","client":"alice"})");
  Until([&] { return reads_waiting() == 1; }, "the client is being loaded");
  BeginChange("alice", events::Paused(""));
  Poll();
  ReleaseReads();
  Until([&] { return IsPaused(); }, "the pause is on record");
  Publish(kRoom);
  Settle();
  EXPECT_EQ(alice.Count("deliveries"), 0U);
  EXPECT_TRUE(IsPaused());
}

TEST_F(SessionControl, WhatIsSoAlreadyIsNotRecordedAgain) {
  Subscribe("alice", kRoom);
  EXPECT_TRUE(Change("alice", events::Paused("")).ok());
  const JournalNumber last = store_->derived().last_number();
  EXPECT_TRUE(Change("alice", events::Paused("")).ok());
  EXPECT_EQ(store_->derived().last_number(), last);
  Connect("alice");
  Settle();
  const JournalNumber connected = store_->derived().last_number();
  EXPECT_TRUE(Change("alice", events::Paused("")).ok());
  EXPECT_EQ(store_->derived().last_number(), connected);
}

TEST_F(SessionControl, AClientNeverSeenIsNotFound) {
  EXPECT_EQ(Change("nobody", events::Paused("")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Change("nobody", events::Resumed("")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(totals().clients, 0U);
}

TEST_F(SessionControl, ADismissalWhileConnectedLeavesNothingToAcknowledge) {
  TestConnection& alice = ConnectWithOneParked("alice", kRoom);
  EXPECT_EQ(Dismiss()->dismissed, 1U);
  EXPECT_EQ(totals().parked, 0U);
  alice.Say(R"({"type":"ack","deliveries":[1],"id":7})");
  Take(alice, "confirmed");
  EXPECT_EQ(totals().parked, 0U);
  EXPECT_EQ(Entry("alice", kRoom).parked(), 0U);
  EXPECT_EQ(Dismiss()->dismissed, 0U);
}

TEST_F(SessionControl, AnAcknowledgementBeforeTheDismissalCounts) {
  TestConnection& alice = ConnectWithOneParked("alice", kRoom);
  alice.Say(R"({"type":"ack","deliveries":[1]})");
  EXPECT_EQ(Dismiss()->dismissed, 0U);
  EXPECT_EQ(totals().parked, 0U);
  EXPECT_TRUE(store_->ledger().AckOf("alice", IdOf(kRoom), {1})->has_value());
}

TEST_F(SessionControl, ADismissalWhileOfflineHoldsForAResumedSession) {
  TestConnection& alice = ConnectWithOneParked("alice", kRoom);
  const std::string session = alice.session->Describe().id();
  alice.session->End(1006);
  Settle();
  EXPECT_EQ(Dismiss()->dismissed, 1U);
  TestConnection& again =
      Connect("alice", R"(,"resume":{"session":")" + session + R"(","delivery":0})");
  again.Say(R"({"type":"ack","deliveries":[1],"id":7})");
  Take(again, "confirmed");
  EXPECT_EQ(totals().parked, 0U);
  EXPECT_EQ(Entry("alice", kRoom).parked(), 0U);
}

}  // namespace
}  // namespace ackwire
