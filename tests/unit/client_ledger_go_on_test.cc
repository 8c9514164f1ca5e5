// Sessions that are resumed where the client says what arrived, and not what it completed: what was
// in flight goes on being so.
#include "tests/unit/client_ledger_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientLedgerGoOn : public ClientLedgerTest {
 protected:
  // Of the room with so many messages; all is sent and its connection lost.
  void SentAndCut(std::uint64_t messages) {
    Subscribed(kRoom, messages);
    SendAll();
    Disconnect();
    Events();
  }
};

TEST_F(ClientLedgerGoOn, WhatArrivedStaysInFlightAndTheRestIsSentAnew) {
  SentAndCut(4);
  GoOn(2);
  EXPECT_EQ(ledger().sent().in_flight(), 2U);
  EXPECT_EQ(Floor(), 0U);
  EXPECT_EQ(SendAll(), Seqs({3, 4}));
  EXPECT_EQ(ledger().sent().AllInFlight(), Numbers({1, 2, 5, 6}));
  EXPECT_EQ(attempts[5], 2U);
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(ClientLedgerGoOn, ItIsAcknowledgedUnderItsNumberAndAttempt) {
  SentAndCut(2);
  GoOn(2);
  AckUpTo(2);
  const std::vector<store::Event> events = ledger().TakeEvents(now);
  const store::SentRun& run = events.back().acked().channels(0).runs(0);
  EXPECT_EQ(run.first(), 1U);
  EXPECT_EQ(run.last(), 2U);
  EXPECT_EQ(run.attempt(), 1U);
  EXPECT_TRUE(run.went_on());
  rows.Fold(events);
  EXPECT_EQ(Floor(), 2U);
  EXPECT_THAT(SendAll(), IsEmpty());
}

TEST_F(ClientLedgerGoOn, ItKeepsTheDeadlineItHad) {
  Subscribed(kRoom, 1);
  SendAll();
  After(Duration(20'000));
  Disconnect();
  Events();
  now += Duration(9'000);
  GoOn(1);
  EXPECT_EQ(ledger().NextEvent(), now + Duration(1'000));
  After(Duration(999));
  EXPECT_THAT(Events(), IsEmpty());
  After(Duration(1));
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted"));
  After(Duration(60'000));
  SendAll();
  EXPECT_EQ(attempts[2], 2U);
}

TEST_F(ClientLedgerGoOn, ADeadlineThatPassedMeanwhileEndsItAtOnce) {
  SentAndCut(1);
  now += kAckWait;
  GoOn(1);
  EXPECT_LE(ledger().NextEvent(), now);
  After(Duration(0));
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted"));
}

TEST_F(ClientLedgerGoOn, WhatTheKernelWasNotSeenToTakeHasItsDeadlineFromNowOn) {
  Subscribed(kRoom, 1);
  const auto key = ledger().FindNext(now);
  ledger().Send(*key, now, now);
  Disconnect();
  now += Duration(5'000);
  GoOn(1);
  EXPECT_EQ(ledger().NextEvent(), now + kAckWait);
}

TEST_F(ClientLedgerGoOn, WhatHadFailedBeforeIsNotInFlight) {
  Subscribed(kRoom, 2);
  SendAll();
  Nack({1});
  Disconnect();
  Events();
  GoOn(2);
  EXPECT_EQ(ledger().sent().in_flight(), 0U);
  After(Duration(60'000));
  EXPECT_EQ(SendAll(), Seqs({1}));
}

TEST_F(ClientLedgerGoOn, UpToCoversWhatWasLateWhenItArrivedAndNotWhatLiesBeyond) {
  policy.ordering = Ordering::kUnordered;
  Subscribed(kRoom, 3);
  SendAll();
  After(kAckWait);
  Disconnect();
  GoOn(2);
  AckUpTo(3);
  EXPECT_EQ(Floor(), 2U);
}

TEST_F(ClientLedgerGoOn, InAnOrderedChannelWhatWasRefusedComesBeforeWhatWaitsBehindIt) {
  window = 3;
  Subscribed(kRoom, 4);
  SendAll();
  Disconnect();
  GoOn(3);
  EXPECT_THAT(SendAll(), IsEmpty()) << "the window is full";
  Nack({1});
  Ack({2});
  After(Duration(60'000));
  EXPECT_EQ(SendAll(), Seqs({1}));
  Ack({4});
  EXPECT_EQ(SendAll(), Seqs({3, 4}));
}

TEST_F(ClientLedgerGoOn, InAnUnorderedChannelTheRestGoesOnBesideIt) {
  policy.ordering = Ordering::kUnordered;
  Subscribed(kRoom, 3);
  SendAll();
  Refuse({.deliveries = {2}, .delay = Duration(50'000)});
  Disconnect();
  GoOn(1);
  EXPECT_EQ(SendAll(), Seqs({3}));
  EXPECT_EQ(ledger().sent().AllInFlight(), Numbers({1, 4}));
  After(Duration(50'000));
  EXPECT_EQ(SendAll(), Seqs({2}));
}

TEST_F(ClientLedgerGoOn, ItMayBeCutAgainAndAgain) {
  SentAndCut(2);
  GoOn(2);
  Disconnect();
  EXPECT_THAT(Events(), ElementsAre("disconnected 1-2"));
  EXPECT_EQ(rows.client.disconnects, 2U);
  GoOn(1);
  EXPECT_EQ(SendAll(), Seqs({2}));
  AckUpTo(3);
  EXPECT_EQ(Floor(), 2U);
  EXPECT_EQ(rows.client.disconnects, 0U);
}

TEST_F(ClientLedgerGoOn, WhatWasParkedWithTheConnectionStaysParked) {
  policy.max_disconnects = 1;
  SentAndCut(2);
  GoOn(2);
  EXPECT_EQ(ledger().sent().AllInFlight(), Numbers({2}));
  EXPECT_EQ(Row().parked(), 1U);
  Ack({1, 2});
  EXPECT_EQ(Row().parked(), 0U);
}

TEST_F(ClientLedgerGoOn, WhatIsOwedNoMoreIsNotInFlight) {
  Subscribed("room/2", 1);
  SentAndCut(1);
  UnsubscribedOffline(kRoom);
  GoOn(2);
  EXPECT_EQ(ledger().sent().AllInFlight(), Numbers({1}));
}

TEST_F(ClientLedgerGoOn, WhatTheTokenDoesNotAllowAnyMoreIsNotInFlightAndNotCovered) {
  Subscribed("hall", 1);
  SentAndCut(1);
  GoOn(2, Caller(Claims{.user = "alice", .subscribe = {"hall"}}));
  ASSERT_EQ(ledger().sent().in_flight(), 1U);
  AckUpTo(2);
  EXPECT_EQ(Floor("hall"), 1U);
  EXPECT_EQ(Floor(kRoom), 0U);
}

TEST_F(ClientLedgerGoOn, DeliveriesOfAReplayAreHandedOverAgain) {
  Subscribed(kRoom, 1);
  SendAll();
  Ack({1});
  Replay({1}, SettledAs::kAcked);
  SendReplays();
  Disconnect();
  GoOn(2);
  EXPECT_EQ(ledger().sent().in_flight(), 0U);
  Replay({1}, SettledAs::kAcked);
  EXPECT_EQ(SendReplays(), Seqs({1}));
}

}  // namespace
}  // namespace ackwire
