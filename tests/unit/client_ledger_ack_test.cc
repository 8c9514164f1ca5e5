// Order, the window, and what an acknowledgement settles.
#include "tests/unit/client_ledger_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClientLedgerAck : public ClientLedgerTest {};

TEST_F(ClientLedgerAck, SendsAChannelInOrderOfSeq) {
  Subscribed(kRoom, 3);
  EXPECT_EQ(SendAll(), Seqs({1, 2, 3}));
  Publish(kRoom, 2);
  EXPECT_EQ(SendAll(), Seqs({4, 5}));
  EXPECT_THAT(SendAll(), IsEmpty());
}

TEST_F(ClientLedgerAck, SendsNoMoreThanTheWindow) {
  window = 2;
  Subscribed(kRoom, 5);
  EXPECT_EQ(SendAll(), Seqs({1, 2}));
  Ack({2});
  EXPECT_EQ(SendAll(), Seqs({3}));
  AckUpTo(3);
  EXPECT_EQ(SendAll(), Seqs({4, 5}));
}

TEST_F(ClientLedgerAck, TheWindowIsOverAllChannelsAndTheyTakeTurns) {
  window = 4;
  Subscribed("room/1", 9);
  Subscribed("room/2", 9);
  EXPECT_EQ(SendAll(), Seqs({1, 1, 2, 2}));
  AckUpTo(4);
  EXPECT_EQ(SendAll(), Seqs({3, 3, 4, 4}));
  EXPECT_THAT(channels_sent, ElementsAre(1, 2, 1, 2, 1, 2, 1, 2));
}

TEST_F(ClientLedgerAck, MovesTheFloorOverWhatIsSettledBelow) {
  Subscribed(kRoom, 4);
  SendAll();
  Ack({3});
  EXPECT_EQ(Floor(), 0U);
  Ack({1});
  EXPECT_EQ(Floor(), 1U);
  Ack({2});
  EXPECT_EQ(Floor(), 3U);
  EXPECT_EQ(ledger().undelivered(), 1U);
}

TEST_F(ClientLedgerAck, UpToSettlesItAndAllBeforeInEveryChannel) {
  Subscribed("room/1", 2);
  Subscribed("room/2", 2);
  SendAll();
  AckUpTo(3);
  EXPECT_EQ(Floor("room/1"), 2U);
  EXPECT_EQ(Floor("room/2"), 1U);
}

TEST_F(ClientLedgerAck, UpToLeavesOutWhatWasNackedAndWhatTheNackRecalled) {
  Subscribed(kRoom, 4);
  SendAll();
  Nack({2});
  AckUpTo(4);
  EXPECT_EQ(Floor(), 1U);
  EXPECT_EQ(ledger().undelivered(), 3U);
}

TEST_F(ClientLedgerAck, UpToCoversWhatATimeoutRecalled) {
  Subscribed(kRoom, 4);
  SendAll();
  After(kAckWait);
  AckUpTo(3);
  EXPECT_EQ(Floor(), 3U);
  EXPECT_EQ(SendAll(), Seqs({4}));
}

TEST_F(ClientLedgerAck, ANackAfterTheTimeoutTakesWhatItRecalledOutOfUpTo) {
  // The client drops what it holds behind the nacked one, and goes on to acknowledge the retry.
  Subscribed(kRoom, 3);
  SendAll();
  After(kAckWait);
  Nack({1});
  After(Duration(2'000));
  EXPECT_EQ(SendAll(), Seqs({1}));
  AckUpTo(4);
  EXPECT_EQ(Floor(), 1U);
  EXPECT_EQ(SendAll(), Seqs({2, 3}));
}

TEST_F(ClientLedgerAck, ANackTakesAllNumbersOfADeliveryOutOfUpTo) {
  Subscribed(kRoom, 2);
  SendAll();
  After(kAckWait);
  After(Duration(2'000));
  EXPECT_EQ(SendAll(), Seqs({1}));
  Ack({3});
  EXPECT_EQ(SendAll(), Seqs({2}));
  Nack({4});
  AckUpTo(4);
  EXPECT_EQ(Floor(), 1U);
}

TEST_F(ClientLedgerAck, OneThatNamesWhatWasNackedSettlesIt) {
  Subscribed(kRoom, 2);
  SendAll();
  Nack({1});
  Ack({1, 2});
  EXPECT_EQ(Floor(), 2U);
  EXPECT_EQ(ledger().NextEvent(), std::nullopt);
}

TEST_F(ClientLedgerAck, ALateOneSettlesAndCancelsTheRetry) {
  Subscribed(kRoom, 1);
  SendAll();
  After(kAckWait);
  ASSERT_TRUE(Row().retries().contains(Seq{1}));
  Ack({1});
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "acked 1"));
  EXPECT_THAT(Row().retries(), IsEmpty());
  After(kAckWait);
  EXPECT_THAT(SendAll(), IsEmpty());
}

TEST_F(ClientLedgerAck, ALateOneEndsTheAttemptThatIsInFlight) {
  Subscribed(kRoom, 1);
  SendAll();
  After(kAckWait);
  After(Duration(2'000));
  ASSERT_EQ(SendAll(), Seqs({1}));
  Ack({1});
  EXPECT_EQ(ledger().sent().in_flight(), 0U);
  After(kAckWait);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted", "acked 1"));
}

TEST_F(ClientLedgerAck, ARepeatedOneIsSilent) {
  Subscribed(kRoom, 2);
  SendAll();
  Ack({1});
  Events();
  Ack({1, 1});
  AckUpTo(1);
  EXPECT_THAT(Events(), IsEmpty());
  EXPECT_EQ(ledger().acked_total(), 1U);
}

TEST_F(ClientLedgerAck, ANumberNeverSentIsUnknownAndTheOthersAreProcessed) {
  Subscribed(kRoom, 2);
  SendAll();
  const Status status = ledger().Ack({9, 1}, now);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(status), HasSubstr("delivery 9 "));
  EXPECT_THAT(MessageOf(status), HasSubstr("last is 2"));
  EXPECT_EQ(Floor(), 1U);
  EXPECT_EQ(ledger().AckUpTo(3, now).code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger().Ack({0}, now).code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger().Nack({.deliveries = {3}}, now).code(), StatusCode::kNotFound);
  EXPECT_EQ(ledger().Working({3}, now).code(), StatusCode::kNotFound);
  EXPECT_EQ(Floor(), 1U);
}

TEST_F(ClientLedgerAck, IsRecordedInRunsWithSessionAndSendTime) {
  Subscribed(kRoom, 3);
  SendAll();
  ASSERT_TRUE(ledger().HasEvents());
  std::ignore = ledger().TakeEvents(now);
  const Timestamp sent_at = now;
  After(Duration(10));
  AckUpTo(3);
  EXPECT_THAT(ledger().TakeAckAges(), ElementsAre(Duration(10), Duration(10), Duration(10)));
  const std::vector<store::Event> events = ledger().TakeEvents(now);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].client(), "alice");
  EXPECT_EQ(events[0].session(), "s-1");
  ASSERT_EQ(events[0].acked().channels(0).runs_size(), 1);
  const store::SentRun& run = events[0].acked().channels(0).runs(0);
  EXPECT_EQ(run.first(), 1U);
  EXPECT_EQ(run.last(), 3U);
  EXPECT_EQ(run.attempt(), 1U);
  EXPECT_EQ(run.sent_at_ms(), ToUnixMs(sent_at));
  EXPECT_FALSE(ledger().HasEvents());
}

TEST_F(ClientLedgerAck, StandsBeforeWhatHappenedAfterIt) {
  Subscribed(kRoom, 3);
  SendAll();
  Ack({1});
  Nack({2});
  Ack({3});
  EXPECT_THAT(Events(), ElementsAre("acked 1", "nack 2 counted", "recalled 3", "acked 3"));
}

TEST_F(ClientLedgerAck, AFloorFullOfHolesStopsNewDeliveriesUntilSomeClose) {
  policy.ordering = Ordering::kUnordered;
  window = kWindowMax;
  Subscribed(kRoom, 3 * kSettledRunsMax);
  Numbers odd;
  for (bool more = true; more;) {
    const std::uint64_t before = ledger().sent().last_number();
    more = !SendAll().empty();
    Numbers even;
    for (std::uint64_t number = before + 1; number <= ledger().sent().last_number(); ++number) {
      (number % 2 == 0 ? even : odd).push_back(number);
    }
    if (more) Ack(even);
    if (more) Refuse({.deliveries = std::exchange(odd, {}), .delay = Duration(86'400'000)});
  }
  EXPECT_GE(Row().settled().runs().size(), kSettledRunsMax);
  EXPECT_LT(Row().settled().runs().size(), kSettledRunsMax + kWindowMax);
  const std::uint64_t sent = ledger().sent().last_number();
  EXPECT_LT(sent, 3 * kSettledRunsMax);
  After(Duration(2 * 86'400'000));
  SendAll();
  AckUpTo(ledger().sent().last_number());
  SendAll();
  EXPECT_GT(ledger().sent().last_number(), sent + kSettledRunsMax);
}

TEST_F(ClientLedgerAck, AMessageThatExpiredIsAbandonedAndTheNextIsSent) {
  Subscribed(kRoom, 2);
  const auto key = ledger().FindNext(now);
  ASSERT_TRUE(key);
  ledger().Abandon(*key, v1::REASON_EXPIRED, now);
  EXPECT_EQ(SendAll(), Seqs({2}));
  EXPECT_THAT(Events(), ElementsAre("expired 1"));
  EXPECT_EQ(Floor(), 1U);
  EXPECT_EQ(Row().parked(), 0U);
}

TEST_F(ClientLedgerAck, AMessageThatCannotBeSentIsParkedAndTheNextIsSent) {
  Subscribed(kRoom, 2);
  ledger().Reject(*ledger().FindNext(now), v1::REASON_TOO_LARGE, "too large", now);
  EXPECT_EQ(SendAll(), Seqs({2}));
  EXPECT_THAT(Events(), ElementsAre("parked 1 too_large"));
  EXPECT_EQ(Row().parked(), 1U);
}

}  // namespace
}  // namespace ackwire
