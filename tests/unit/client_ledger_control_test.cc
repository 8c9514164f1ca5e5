// What operators do to a client while it is connected.
#include "tests/unit/client_ledger_fixture.h"
#include "tests/unit/ledger_events.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientLedgerControl : public ClientLedgerTest {
 protected:
  void Apply(const store::Event& change) { ledger().Apply(change, now); }
  void Pause() { Apply(events::Paused("", "why")); }
  void Resume() { Apply(events::Resumed("")); }
};

TEST_F(ClientLedgerControl, PausedNothingIsSentAndResumedAllOfIt) {
  Subscribed(kRoom, 2);
  Pause();
  EXPECT_THAT(SendAll(), IsEmpty());
  Publish(kRoom);
  EXPECT_THAT(SendAll(), IsEmpty());
  EXPECT_FALSE(ledger().NextEvent());
  Resume();
  EXPECT_THAT(SendAll(), ElementsAre(1, 2, 3));
}

TEST_F(ClientLedgerControl, PausedWhatIsInFlightIsAcknowledgedOrTimesOut) {
  Subscribed(kRoom, 3);
  EXPECT_THAT(SendAll(), ElementsAre(1, 2, 3));
  Pause();
  Ack({1});
  After(kAckWait);
  EXPECT_THAT(Events(), ElementsAre("acked 1", "ack_timeout 2 counted", "recalled 3"));
  After(Duration(60'000));
  EXPECT_THAT(SendAll(), IsEmpty());
  EXPECT_FALSE(ledger().NextEvent()) << "nobody is woken for what would not be sent";
  Resume();
  EXPECT_THAT(SendAll(), ElementsAre(2));
}

TEST_F(ClientLedgerControl, APauseIsOnRecordAndLastsOverAReconnect) {
  Subscribed(kRoom, 1);
  Pause();
  Events();
  EXPECT_TRUE(rows.client.paused);
  EXPECT_EQ(rows.client.pause_note, "why");
  EXPECT_EQ(rows.client.paused_at, now);
  Disconnect();
  Reconnect();
  EXPECT_TRUE(ledger().paused());
  EXPECT_THAT(SendAll(), IsEmpty());
  Resume();
  Events();
  EXPECT_FALSE(rows.client.paused);
}

class ClientLedgerRemoval : public ClientLedgerControl {
 protected:
  // Returns how many it was owed.
  std::uint64_t Remove(SeqRun seqs) {
    store::Event change;
    change.mutable_abandoned()->set_channel(IdOf(kRoom).value);
    change.mutable_abandoned()->set_reason(v1::REASON_RETENTION);
    auto* run = change.mutable_abandoned()->add_runs();
    run->set_first(seqs.first.value);
    run->set_last(seqs.last.value);
    return ledger().Apply(change, now).count();
  }
};

TEST_F(ClientLedgerRemoval, TakesWhatIsOwedAndLeavesWhatIsInFlight) {
  window = 2;
  Reconnect();
  Subscribed(kRoom, 6);
  EXPECT_THAT(SendAll(), ElementsAre(1, 2));
  Ack({1});
  EXPECT_EQ(Remove({{1}, {4}}), 2U);
  EXPECT_THAT(Events(), ElementsAre("acked 1", "retention 3-4"));
  EXPECT_THAT(SendAll(), ElementsAre(5));
  Ack({2});
  EXPECT_THAT(SendAll(), ElementsAre(6));
  EXPECT_EQ(Remove({{1}, {4}}), 0U);
  EXPECT_THAT(Events(), ElementsAre("acked 2"));
}

TEST_F(ClientLedgerRemoval, WhatWaitsForARetryHoldsUpNothingAnyMore) {
  Subscribed(kRoom, 3);
  SendAll();
  Refuse({.deliveries = {1}, .delay = Duration(60'000)});
  EXPECT_EQ(Remove({{1}, {1}}), 1U);
  After(kPauseAfterNack);
  EXPECT_THAT(SendAll(), ElementsAre(2, 3));
  // It is behind the client's own word on it, which says so again.
  Refuse({.deliveries = {1}, .final = true});
  EXPECT_EQ(Row().parked(), 0U);
}

class ClientLedgerDismissal : public ClientLedgerControl {
 protected:
  // Two messages were sent and rejected for good.
  void ParkTwo() {
    Subscribed(kRoom, 2);
    SendAll();
    Refuse({.deliveries = {1}, .final = true});
    After(kPauseAfterNack);
    SendAll();
    Refuse({.deliveries = {3}, .final = true});
    Events();
    ASSERT_EQ(rows.entries[IdOf(kRoom)].parked(), 2U);
  }
  void Dismiss(const std::vector<Seq>& seqs) { Apply(events::Dismissed("", IdOf(kRoom), seqs)); }
};

TEST_F(ClientLedgerDismissal, ALateAcknowledgementChangesNothing) {
  ParkTwo();
  Dismiss({{1}});
  Ack({1});
  ledger().Dismissed(IdOf(kRoom), 1);
  Ack({1});
  EXPECT_EQ(Row().parked(), 1U);
  EXPECT_THAT(Events(), IsEmpty());
  Ack({3});
  EXPECT_EQ(Row().parked(), 0U) << "the other one is acknowledged";
}

// The client drops what it holds behind the one it nacks, whatever has become of that one.
TEST_F(ClientLedgerDismissal, ALateNackStillSaysThatWhatIsBehindItWasDropped) {
  Subscribed(kRoom, 2);
  SendAll();
  ledger().Reject({IdOf(kRoom), {1}}, v1::REASON_MAX_ATTEMPTS, "", now);
  Dismiss({{1}});
  ledger().Dismissed(IdOf(kRoom), 1);
  Events();
  Refuse({.deliveries = {1}, .final = true});
  AckUpTo(2);
  EXPECT_THAT(Events(), ElementsAre("recalled 2"));
  EXPECT_EQ(ledger().undelivered(), 1U);
  After(kPauseAfterNack);
  EXPECT_THAT(SendAll(), ElementsAre(2));
}

TEST_F(ClientLedgerDismissal, OfWhatIsAcknowledgedMeanwhileTheCountStaysTrue) {
  ParkTwo();
  Ack({1});
  Dismiss({{1}, {2}});
  ledger().Dismissed(IdOf(kRoom), 1);  // the writer has found one of them parked
  EXPECT_EQ(ledger().FindFeed(kRoom)->entry().parked(), 0U);
  ledger().Dismissed(IdOf(kRoom), 1);
  EXPECT_EQ(ledger().FindFeed(kRoom)->entry().parked(), 0U) << "never below nothing";
}

}  // namespace
}  // namespace ackwire
