// Connections that end, sessions that are resumed, subscriptions that begin and end.
#include "tests/unit/client_ledger_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClientLedgerSession : public ClientLedgerTest {
 protected:
  void CrashOnce() {
    Reconnect();
    SendAll();
    Disconnect();
  }
};

TEST_F(ClientLedgerSession, RecordsItsOpeningAndItsEnd) {
  ledger().Close({.close_code = 1012, .counts = false}, now);
  const std::vector<store::Event> events = ledger().TakeEvents(now);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].session_opened().transport(), "websocket");
  EXPECT_EQ(events[1].session_closed().close_code(), 1012U);
}

TEST_F(ClientLedgerSession, WhatWasInFlightIsRecordedUncountedAndDueAtOnceOnReturn) {
  Subscribed(kRoom, 2);
  SendAll();
  Disconnect();
  EXPECT_THAT(Events(), ElementsAre("disconnected 1-2"));
  EXPECT_EQ(Row().retries().at(Seq{1}).counted, 0U);
  Reconnect();
  EXPECT_EQ(SendAll(), Seqs({1, 2}));
  EXPECT_EQ(attempts[1], 2U);
}

TEST_F(ClientLedgerSession, WhatTheTransportRefusedFailsByThatAndTheRestWithItsConnection) {
  Subscribed(kRoom, 2);
  SendAll();
  Publish(kRoom);
  const auto key = ledger().FindNext(now);
  ASSERT_TRUE(key.has_value());
  ledger().Send(*key, now, now);  // the kernel has not taken it
  ledger().Close({.close_code = 1006, .reason = v1::REASON_WRITE_FAILED}, now);
  EXPECT_THAT(Events(), ElementsAre("disconnected 1-2", "write_failed 3"));
  EXPECT_EQ(Row().retries().at(Seq{3}).counted, 0U);
}

TEST_F(ClientLedgerSession, ARetryKeepsItsPlaceAndItsTimeOverAReconnect) {
  Subscribed(kRoom, 3);
  SendAll();
  Refuse({.deliveries = {2}, .delay = Duration(50'000)});
  Disconnect();
  Reconnect();
  EXPECT_EQ(SendAll(), Seqs({1}));
  Ack({1});
  EXPECT_THAT(SendAll(), IsEmpty());
  After(Duration(50'000));
  EXPECT_EQ(SendAll(), Seqs({2}));
  Ack({2});
  EXPECT_EQ(SendAll(), Seqs({3}));
}

TEST_F(ClientLedgerSession, InAnUnorderedChannelARetryHoldsUpNothingAfterAReconnect) {
  policy.ordering = Ordering::kUnordered;
  Subscribed(kRoom, 3);
  SendAll();
  Refuse({.deliveries = {2}, .delay = Duration(50'000)});
  Disconnect();
  Publish(kRoom);
  EXPECT_EQ(SendAll(), Seqs({1, 3, 4}));
  After(Duration(50'000));
  EXPECT_EQ(SendAll().front(), 2U);
}

TEST_F(ClientLedgerSession, TooManyDisconnectionsParkTheOldestInFlight) {
  policy.max_disconnects = 3;
  Subscribed(kRoom, 2);
  CrashOnce();
  CrashOnce();
  EXPECT_EQ(Row().parked(), 0U);
  EXPECT_EQ(rows.client.disconnects, 2U);
  Events();
  CrashOnce();
  EXPECT_THAT(Events(), ElementsAre("disconnected 1-2", "parked 1 max_attempts"));
  EXPECT_EQ(Row().parked(), 1U);
  EXPECT_EQ(rows.client.disconnects, 0U);
  Reconnect();
  EXPECT_EQ(SendAll(), Seqs({2}));
}

TEST_F(ClientLedgerSession, AnAcknowledgementStartsTheCountOfDisconnectionsAnew) {
  policy.max_disconnects = 2;
  Subscribed(kRoom, 3);
  CrashOnce();
  Reconnect();
  SendAll();
  Ack({1});
  Disconnect();
  EXPECT_EQ(rows.client.disconnects, 1U);
  EXPECT_EQ(Row().parked(), 0U);
}

TEST_F(ClientLedgerSession, ClosesThatAreNotTheClientsDoNotCount) {
  policy.max_disconnects = 1;
  Subscribed(kRoom, 1);
  SendAll();
  Disconnect(/*counts=*/false);
  EXPECT_EQ(Row().parked(), 0U);
  EXPECT_EQ(rows.client.disconnects, 0U);
}

TEST_F(ClientLedgerSession, ADisconnectionWithNothingInFlightDoesNotCount) {
  policy.max_disconnects = 1;
  Subscribed(kRoom, 0);
  ledger();
  Disconnect();
  EXPECT_EQ(rows.client.disconnects, 0U);
}

TEST_F(ClientLedgerSession, AResumedOneAcknowledgesWhatWasCompletedAndSendsTheRestAnew) {
  Subscribed(kRoom, 4);
  SendAll();
  Disconnect();
  Resume(2);
  EXPECT_EQ(Floor(), 2U);
  EXPECT_EQ(SendAll(), Seqs({3, 4}));
  EXPECT_EQ(ledger().sent().last_number(), 6U);
  EXPECT_EQ(attempts[5], 2U);
}

TEST_F(ClientLedgerSession, AResumeAcknowledgesAlsoWhereTheSubscriptionIsOfALaterTime) {
  Subscribed(kRoom, 2);
  now -= Duration(1'000);  // the server was started again, by a clock that is behind
  SendAll();
  Disconnect();
  Resume(2);
  EXPECT_EQ(Floor(), 2U);
  EXPECT_EQ(SendAll(), Seqs());
}

TEST_F(ClientLedgerSession, AResumeFromNothingAcknowledgesNothing) {
  Subscribed(kRoom, 2);
  SendAll();
  Disconnect();
  Resume(0);
  EXPECT_EQ(Floor(), 0U);
  EXPECT_EQ(SendAll(), Seqs({1, 2}));
}

TEST_F(ClientLedgerSession, AResumeDoesNotAcknowledgeWhatWasNackedOrDropped) {
  Subscribed(kRoom, 4);
  SendAll();
  Nack({2});
  Disconnect();
  Resume(4);
  EXPECT_EQ(Floor(), 1U);
}

TEST_F(ClientLedgerSession, UpToDoesNotCoverWhatAnEarlierConnectionWasSentBeyondTheResume) {
  window = 2;
  Subscribed(kRoom, 6);
  SendAll();
  AckUpTo(1);
  SendAll();
  Disconnect();
  Resume(2);
  ASSERT_EQ(Floor(), 2U);
  EXPECT_EQ(SendAll(), Seqs({3, 4}));
  AckUpTo(4);
  EXPECT_EQ(Floor(), 3U);
  Ack({3});
  EXPECT_EQ(Floor(), 3U);
}

TEST_F(ClientLedgerSession, WhatWasParkedAtTheDisconnectIsNotCoveredEither) {
  policy.max_disconnects = 1;
  Subscribed(kRoom, 2);
  SendAll();
  Disconnect();
  Resume(0);
  EXPECT_EQ(SendAll(), Seqs({2}));
  AckUpTo(3);
  EXPECT_EQ(Row().parked(), 1U);
  Ack({1});
  EXPECT_EQ(Row().parked(), 0U);
}

TEST_F(ClientLedgerSession, AnEarlierConnectionsNumberCanBeAcknowledgedByName) {
  Subscribed(kRoom, 2);
  SendAll();
  Disconnect();
  Resume(0);
  Ack({2});
  EXPECT_EQ(SendAll(), Seqs({1}));
  Ack({3});
  EXPECT_EQ(Floor(), 2U);
}

TEST_F(ClientLedgerSession, SubscribingAgainChangesNothing) {
  Subscribed(kRoom, 2);
  SendAll();
  Ack({1});
  EXPECT_FALSE(ledger().AddSubscription(
      {.channel = IdOf(kRoom), .channel_name = kRoom, .entry = {}, .last = Seq{2}}));
  EXPECT_EQ(ledger().undelivered(), 1U);
}

TEST_F(ClientLedgerSession, UnsubscribingEndsWhatIsOwedAndGoesOnRecordBehindTheAcks) {
  Subscribed(kRoom, 4);
  SendAll();
  Ack({2});
  ledger().RemoveSubscription(IdOf(kRoom), now);
  EXPECT_EQ(ledger().undelivered(), 0U);
  EXPECT_EQ(ledger().sent().in_flight(), 0U);
  EXPECT_EQ(ledger().FindFeed(kRoom), nullptr);
  const std::vector<store::Event> events = ledger().TakeEvents(now);
  ASSERT_GE(events.size(), 2U);
  EXPECT_TRUE(events[events.size() - 2].has_acked());
  const store::Unsubscribed& record = events.back().unsubscribed();
  EXPECT_EQ(record.channel(), IdOf(kRoom).value);
}

TEST_F(ClientLedgerSession, AfterUnsubscribingNothingIsSentAndLateAnswersAreSilent) {
  Subscribed(kRoom, 3);
  Subscribed("room/2", 1);
  SendAll();
  Nack({1});
  ledger().RemoveSubscription(IdOf(kRoom), now);
  Events();
  Ack({1, 3});
  Nack({1});
  After(Duration(60'000));
  Publish(kRoom);
  EXPECT_EQ(ledger().sent().in_flight(), 0U);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted"));  // of the other channel
  EXPECT_THAT(SendAll(), IsEmpty());
}

TEST_F(ClientLedgerSession, UnsubscribingFromWhatItHasNotHeardOfGoesOnRecordAllTheSame) {
  Subscribed(kRoom, 2);
  (void)ledger().TakeEvents(now);
  ledger().RemoveSubscription(IdOf("room/9"), now);
  const std::vector<store::Event> events = ledger().TakeEvents(now);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.back().unsubscribed().channel(), IdOf("room/9").value);
  EXPECT_EQ(ledger().undelivered(), 2U);
}

TEST_F(ClientLedgerSession, SubscribingAnewBeginsAnew) {
  Subscribed(kRoom, 2);
  SendAll();
  ledger().RemoveSubscription(IdOf(kRoom), now);
  Events();
  Subscribed(kRoom, 2);
  EXPECT_EQ(SendAll(), Seqs({1, 2}));
  EXPECT_EQ(attempts[3], 1U);
  AckUpTo(4);
  EXPECT_EQ(Floor(), 2U);
}

TEST_F(ClientLedgerSession, AResumeSurvivesASubscriptionThatEndedMeanwhile) {
  Subscribed(kRoom, 2);
  Subscribed("room/2", 1);
  SendAll();
  Disconnect();
  UnsubscribedOffline(kRoom);
  Resume(3);
  Ack({1, 2, 3});
  Nack({1});
  EXPECT_EQ(Floor("room/2"), 1U);
  EXPECT_FALSE(Row().subscribed());
}

TEST_F(ClientLedgerSession, AResumeOwesNothingForASubscriptionThatBeganAnewMeanwhile) {
  policy.max_disconnects = 1;
  Subscribed(kRoom, 1);
  SendAll();
  Disconnect();
  ASSERT_EQ(Row().parked(), 1U);
  UnsubscribedOffline(kRoom);
  Subscribed(kRoom, 1);
  Resume(0);
  Ack({1});
  EXPECT_EQ(Row().parked(), 0U);
  EXPECT_EQ(Floor(), 0U);
  EXPECT_EQ(SendAll(), Seqs({1}));
}

}  // namespace
}  // namespace ackwire
