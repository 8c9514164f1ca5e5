// Timeouts, nacks, what waits for what failed, and the end of all attempts.
#include "tests/unit/client_ledger_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Duration kLongerThanAnyBackoff{60'000};

class ClientLedgerRetry : public ClientLedgerTest {
 protected:
  ClientLedgerRetry() {
    policy.retry = {.backoff = {Duration(1'000), Duration(5'000)}, .max_attempts = 3};
  }
};

TEST_F(ClientLedgerRetry, FailsWhatIsNotAcknowledgedInTime) {
  Subscribed(kRoom, 1);
  SendAll();
  EXPECT_EQ(ledger().NextEvent(), now + kAckWait);
  After(kAckWait - Duration(1));
  EXPECT_THAT(Events(), IsEmpty());
  After(Duration(1));
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted"));
  EXPECT_EQ(Row().retries().at(Seq{1}).reason, v1::REASON_ACK_TIMEOUT);
}

TEST_F(ClientLedgerRetry, TheDeadlineStartsWhenTheKernelHasTakenTheBytes) {
  Subscribed(kRoom, 1);
  const auto delivery = ledger().Send(*ledger().FindNext(now), now, now);
  EXPECT_EQ(ledger().NextEvent(), std::nullopt);
  After(10 * kAckWait);
  EXPECT_THAT(Events(), IsEmpty());
  ledger().Written({delivery.number}, now);
  After(kAckWait);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted"));
}

TEST_F(ClientLedgerRetry, WaitsForTheBackoffAndNumbersTheAttempts) {
  Subscribed(kRoom, 1);
  SendAll();
  After(kAckWait);
  EXPECT_THAT(SendAll(), IsEmpty());
  const auto due = ledger().NextEvent();
  ASSERT_TRUE(due);
  EXPECT_GE(*due - now, Duration(800));
  EXPECT_LE(*due - now, Duration(1'200));
  After(*due - now - Duration(1));
  EXPECT_THAT(SendAll(), IsEmpty());
  After(Duration(1));
  EXPECT_EQ(SendAll(), Seqs({1}));
  EXPECT_EQ(attempts[2], 2U);
}

TEST_F(ClientLedgerRetry, WorkingStartsTheDeadlineAnew) {
  Subscribed(kRoom, 2);
  SendAll();
  After(kAckWait / 2);
  ASSERT_TRUE(ledger().Working({1, 2}, now).ok());
  After(kAckWait - Duration(1));
  EXPECT_THAT(Events(), IsEmpty());
  After(Duration(1));
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "recalled 2"));
}

TEST_F(ClientLedgerRetry, WorkingDoesNotBringBackAnAttemptThatHasEnded) {
  Subscribed(kRoom, 1);
  SendAll();
  After(kAckWait);
  ASSERT_TRUE(ledger().Working({1}, now).ok());
  EXPECT_EQ(ledger().sent().in_flight(), 0U);
}

TEST_F(ClientLedgerRetry, RecallsWhatIsBehindATimeoutAndSendsItOnceThatIsSettled) {
  Subscribed(kRoom, 3);
  SendAll();
  After(kAckWait);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "recalled 2-3"));
  Publish(kRoom);
  EXPECT_THAT(SendAll(), IsEmpty());
  EXPECT_TRUE(ledger().feeds().at(IdOf(kRoom)).blocked());
  After(kLongerThanAnyBackoff);
  EXPECT_EQ(SendAll(), Seqs({1}));
  Ack({4});
  EXPECT_EQ(SendAll(), Seqs({2, 3, 4}));
  EXPECT_EQ(attempts[5], 2U);
  EXPECT_EQ(attempts[7], 1U);
  EXPECT_FALSE(ledger().feeds().at(IdOf(kRoom)).blocked());
}

TEST_F(ClientLedgerRetry, RecallsDoNotCount) {
  Subscribed(kRoom, 2);
  for (std::uint64_t attempt = 1; attempt < policy.retry.max_attempts; ++attempt) {
    SendAll();
    After(kAckWait);
    After(kLongerThanAnyBackoff);
  }
  EXPECT_EQ(Row().retries().at(Seq{1}).counted, 2U);
  EXPECT_EQ(Row().retries().at(Seq{2}).counted, 0U);
}

TEST_F(ClientLedgerRetry, RecallsWhatIsBehindANack) {
  Subscribed(kRoom, 4);
  SendAll();
  Nack({2});
  EXPECT_THAT(Events(), ElementsAre("nack 2 counted", "recalled 3-4"));
  After(Duration(2'000));
  EXPECT_EQ(SendAll(), Seqs({2}));
  EXPECT_EQ(ledger().sent().in_flight(), 2U);
  Ack({5});
  EXPECT_EQ(SendAll(), Seqs({3, 4}));
}

TEST_F(ClientLedgerRetry, RecordsTheNacksOwnWords) {
  Subscribed(kRoom, 1);
  SendAll();
  std::ignore = ledger().TakeEvents(now);
  Refuse({.deliveries = {1}, .reason = "handler threw"});
  const std::vector<store::Event> events = ledger().TakeEvents(now);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].failed().detail(), "handler threw");
  EXPECT_EQ(events[0].failed().transport(), "websocket");
}

TEST_F(ClientLedgerRetry, OfSeveralNackedEachCounts) {
  Subscribed(kRoom, 4);
  SendAll();
  Nack({4, 2, 2});
  EXPECT_EQ(Row().retries().at(Seq{2}).counted, 1U);
  EXPECT_EQ(Row().retries().at(Seq{3}).counted, 0U);
  EXPECT_EQ(Row().retries().at(Seq{4}).counted, 1U);
  After(Duration(2'000));
  EXPECT_EQ(SendAll(), Seqs({2}));
}

TEST_F(ClientLedgerRetry, ANackWaitsForItsDelayWhereThatIsLonger) {
  Subscribed(kRoom, 1);
  SendAll();
  Refuse({.deliveries = {1}, .delay = Duration(7'000)});
  EXPECT_EQ(ledger().FindNext(now), std::nullopt);
  EXPECT_EQ(ledger().NextEvent(), now + Duration(7'000));
}

TEST_F(ClientLedgerRetry, AShorterDelayLeavesTheBackoff) {
  Subscribed(kRoom, 1);
  SendAll();
  Refuse({.deliveries = {1}, .delay = Duration(1)});
  EXPECT_GE(Row().retries().at(Seq{1}).due, now + Duration(800));
}

TEST_F(ClientLedgerRetry, OtherChannelsGoOn) {
  Subscribed("room/1", 2);
  Subscribed("room/2", 2);
  SendAll();
  Nack({1});
  Publish("room/1");
  Publish("room/2");
  EXPECT_EQ(SendAll(), Seqs({3}));
  EXPECT_EQ(channels_sent.back(), IdOf("room/2").value);
  EXPECT_EQ(ledger().sent().in_flight(), 3U);
}

TEST_F(ClientLedgerRetry, TheTurnPassesOnWithWhatIsSentNotWithWhatIsAskedFor) {
  Subscribed("room/1", 2);
  Subscribed("room/2", 2);
  const auto first = ledger().FindNext(now);
  ASSERT_TRUE(first);
  EXPECT_EQ(ledger().FindNext(now), first);
  (void)ledger().Send(*first, now, now);
  const auto second = ledger().FindNext(now);
  ASSERT_TRUE(second);
  EXPECT_NE(second->channel, first->channel);
  EXPECT_EQ(ledger().FindNext(now), second);
}

TEST_F(ClientLedgerRetry, ATimeoutOfTwoChannelsFailsTheOldestOfEach) {
  Subscribed("room/1", 2);
  Subscribed("room/2", 2);
  SendAll();
  After(kAckWait);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "ack_timeout 1 counted", "recalled 2",
                                    "recalled 2"));
}

TEST_F(ClientLedgerRetry, InAnUnorderedChannelNothingWaits) {
  policy.ordering = Ordering::kUnordered;
  Subscribed(kRoom, 3);
  SendAll();
  Nack({1});
  EXPECT_THAT(Events(), ElementsAre("nack 1 counted"));
  Publish(kRoom);
  EXPECT_EQ(SendAll(), Seqs({4}));
  EXPECT_FALSE(ledger().feeds().at(IdOf(kRoom)).blocked());
  After(kAckWait);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 2 counted", "ack_timeout 3 counted",
                                    "ack_timeout 4 counted"));
  AckUpTo(4);
  EXPECT_EQ(ledger().undelivered(), 1U);
  EXPECT_EQ(SendAll(), Seqs({1}));
}

TEST_F(ClientLedgerRetry, ParksAfterTheLastAttemptAndTheRestFlows) {
  Subscribed(kRoom, 2);
  for (std::uint32_t attempt = 1; attempt <= policy.retry.max_attempts; ++attempt) {
    After(kLongerThanAnyBackoff);
    EXPECT_EQ(SendAll().front(), 1U);
    After(kAckWait);
  }
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "recalled 2", "ack_timeout 1 counted",
                                    "ack_timeout 1 counted", "parked 1 max_attempts"));
  EXPECT_EQ(Row().parked(), 1U);
  EXPECT_EQ(Floor(), 1U);
  EXPECT_EQ(SendAll(), Seqs({2}));
  EXPECT_EQ(ledger().undelivered(), 1U);
}

TEST_F(ClientLedgerRetry, TheParkingTellsHowManyAttemptsThereWere) {
  policy.retry.max_attempts = 1;
  Subscribed(kRoom, 1);
  SendAll();
  After(kAckWait);
  EXPECT_EQ(ledger().TakeEvents(now).back().parked().attempts(), 1U);
}

TEST_F(ClientLedgerRetry, WhatIsParkedCanBeAcknowledgedLate) {
  policy.retry.max_attempts = 1;
  Subscribed(kRoom, 2);
  SendAll();
  After(kAckWait);
  ASSERT_EQ(Row().parked(), 1U);
  AckUpTo(1);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "recalled 2", "parked 1 max_attempts",
                                    "acked 1, unparked"));
  EXPECT_EQ(Row().parked(), 0U);
  Ack({1});
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(ClientLedgerRetry, WhatIsParkedCanBeAcknowledgedUnderAnEarlierNumber) {
  policy.retry.max_attempts = 2;
  Subscribed(kRoom, 1);
  SendAll();
  After(kAckWait);
  After(kLongerThanAnyBackoff);
  SendAll();
  After(kAckWait);
  ASSERT_EQ(Row().parked(), 1U);
  Ack({1});
  EXPECT_EQ(Row().parked(), 0U);
}

TEST_F(ClientLedgerRetry, AFinalNackParksAtOnce) {
  Subscribed(kRoom, 2);
  SendAll();
  Refuse({.deliveries = {1}, .reason = "cannot", .final = true});
  EXPECT_THAT(Events(), ElementsAre("rejected 1 counted", "recalled 2", "parked 1 rejected"));
  After(kPauseAfterNack);
  EXPECT_EQ(SendAll(), Seqs({2}));
}

TEST_F(ClientLedgerRetry, ABatchRefusedOneByOneIsNotSentAgain) {
  Subscribed(kRoom, 4);
  SendAll();
  for (std::uint64_t number = 1; number <= 4; ++number) {
    Refuse({.deliveries = {number}, .final = true});
    EXPECT_THAT(SendAll(), IsEmpty());
  }
  After(kPauseAfterNack);
  EXPECT_THAT(SendAll(), IsEmpty());
  EXPECT_EQ(Row().parked(), 4U);
}

TEST_F(ClientLedgerRetry, ARepeatedNackRecallsNothing) {
  Subscribed(kRoom, 3);
  SendAll();
  Refuse({.deliveries = {1}, .final = true});
  After(kPauseAfterNack);
  ASSERT_EQ(SendAll(), Seqs({2, 3}));
  Events();
  Nack({1});
  Refuse({.deliveries = {1}, .final = true});
  EXPECT_THAT(Events(), IsEmpty());
  EXPECT_EQ(ledger().sent().in_flight(), 2U);
}

TEST_F(ClientLedgerRetry, ARepeatedNackMayBeTheLastWord) {
  Subscribed(kRoom, 1);
  SendAll();
  Nack({1});
  Refuse({.deliveries = {1}, .final = true});
  EXPECT_THAT(Events(), ElementsAre("nack 1 counted", "parked 1 rejected"));
}

TEST_F(ClientLedgerRetry, UpToDoesNotSettleWhatWasRejected) {
  Subscribed(kRoom, 2);
  SendAll();
  Refuse({.deliveries = {1}, .final = true});
  After(kPauseAfterNack);
  SendAll();
  AckUpTo(3);
  EXPECT_EQ(Row().parked(), 1U);
  EXPECT_EQ(Floor(), 2U);
  Ack({1});
  EXPECT_EQ(Row().parked(), 0U);
}

TEST_F(ClientLedgerRetry, AFinalNackAfterTheTimeoutParksToo) {
  Subscribed(kRoom, 2);
  SendAll();
  After(kAckWait);
  Refuse({.deliveries = {1}, .final = true});
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "recalled 2", "parked 1 rejected"));
  EXPECT_EQ(SendAll(), Seqs({2}));
  Refuse({.deliveries = {1}, .final = true});
  EXPECT_EQ(Row().parked(), 1U);
}

TEST_F(ClientLedgerRetry, OneNackOfWhatHasEndedAndOfWhatIsInFlightFailsBoth) {
  policy.retry.max_attempts = 1;
  Subscribed(kRoom, 3);
  SendAll();
  After(kAckWait);
  ASSERT_EQ(SendAll(), Seqs({2, 3}));
  Events();
  Nack({5, 1});
  EXPECT_THAT(Events(), ElementsAre("nack 3 counted", "parked 3 max_attempts", "recalled 2"));
}

TEST_F(ClientLedgerRetry, ANackOfAnEarlierNumberEndsTheAttemptInFlight) {
  Subscribed(kRoom, 1);
  SendAll();
  After(kAckWait);
  After(kLongerThanAnyBackoff);
  ASSERT_EQ(SendAll(), Seqs({1}));
  Nack({1});
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "nack 1 counted"));
  AckUpTo(2);
  EXPECT_EQ(Floor(), 0U);
}

TEST_F(ClientLedgerRetry, ANackOfWhatIsParkedRecallsWhatTheClientDropped) {
  policy.retry.max_attempts = 1;
  Subscribed(kRoom, 2);
  SendAll();
  After(kAckWait);
  ASSERT_EQ(SendAll(), Seqs({2}));
  Events();
  Nack({1});
  EXPECT_THAT(Events(), ElementsAre("recalled 2"));
  After(kPauseAfterNack);
  EXPECT_EQ(SendAll(), Seqs({2}));
}

TEST_F(ClientLedgerRetry, ANackOfWhatIsSettledIsSilent) {
  Subscribed(kRoom, 1);
  SendAll();
  Ack({1});
  Events();
  Nack({1});
  EXPECT_THAT(Events(), IsEmpty());
}

}  // namespace
}  // namespace ackwire
