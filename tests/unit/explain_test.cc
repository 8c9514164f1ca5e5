#include "delivery/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/proto_time.h"
#include "tests/unit/delivery_facts.h"

namespace ackwire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using namespace facts_of;  // NOLINT(google-build-using-namespace): its words are this test's

TEST(Explain, NotOwedWhenThereIsNoSuchMessage) {
  DeliveryFacts facts = Owed();
  facts.message.reset();
  facts.seq = Seq{51};
  const auto delivery = Is(facts, v1::DELIVERY_STATE_NOT_OWED, v1::REASON_NO_SUCH_MESSAGE,
                           "there is no seq 51 of room/1: its last is seq 50");
  EXPECT_FALSE(delivery.has_published_at());
  facts.message_id = "m-51";
  EXPECT_EQ(Is(facts, v1::DELIVERY_STATE_NOT_OWED, v1::REASON_NO_SUCH_MESSAGE,
               "room/1 has no message with the id m-51")
                .message_id(),
            "m-51");
  facts.channel_id = {};
  Is(facts, v1::DELIVERY_STATE_NOT_OWED, v1::REASON_NO_SUCH_MESSAGE, "there is no channel room/1");
}

TEST(Explain, NotOwedWithoutASubscription) {
  DeliveryFacts facts = Owed();
  facts.entry = LedgerEntry();
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_NOT_OWED, v1::REASON_NO_SUBSCRIPTION,
         "alice/phone is not owed seq 42 of room/1: it has no subscription to room/1");
  EXPECT_EQ(delivery.message_id(), "m-42");
  EXPECT_EQ(TimeOf(delivery.published_at()), At(0));
}

TEST(Explain, NotOwedBeforeTheSubscription) {
  DeliveryFacts facts = Owed();
  facts.entry = LedgerEntry(Seq{43}, At(60));
  Is(facts, v1::DELIVERY_STATE_NOT_OWED, v1::REASON_BEFORE_SUBSCRIPTION,
     "alice/phone is not owed seq 42 of room/1: its subscription, made 2026-11-22T00:01:00.000Z, "
     "begins at seq 43");
}

TEST(Explain, PendingWhileTheClientIsOffline) {
  const auto delivery = Is(Owed(), v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_OFFLINE,
                           "alice/phone has not acknowledged seq 42 of room/1: it was not sent "
                           "yet; the client is offline, and is sent it when it connects");
  EXPECT_EQ(delivery.attempts_size(), 0);
  EXPECT_FALSE(delivery.has_settled_at());
  EXPECT_FALSE(delivery.has_next_attempt_at());
}

TEST(Explain, PendingWhileTheClientIsPaused) {
  DeliveryFacts facts = Online();
  Pause(facts, "database away");
  const std::string begin =
      "alice/phone has not acknowledged seq 42 of room/1: it was not sent yet; the client was "
      "paused at 2026-11-22T00:01:00.000Z";
  const std::string sentence =
      begin + " (\"database away\"), and is sent it after `ackctl resume alice/phone`";
  Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_PAUSED, sentence);
  facts.live->window_full = true;
  Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_PAUSED, sentence);
  facts = Owed();
  Pause(facts, "");
  Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_PAUSED,
     begin + ", and is offline: it is sent it after `ackctl resume alice/phone`, when it connects");
}

TEST(Explain, APauseChangesNothingOfWhatIsInFlight) {
  DeliveryFacts facts = Online();
  FlyNow(facts, 1);
  const v1::Delivery before = Explain(facts);
  Pause(facts, "why");
  EXPECT_EQ(Explain(facts).SerializeAsString(), before.SerializeAsString());
}

TEST(Explain, WhatWaitsForAnotherReasonTellsOfThePause) {
  const std::string paused =
      "; the client was paused at 2026-11-22T00:01:00.000Z (\"why\"), and is sent nothing before "
      "`ackctl resume alice/phone`";
  DeliveryFacts facts = Online();
  facts.live->blocked_by = Seq{41};
  Pause(facts, "why");
  const auto delivery = Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_WAITING_FOR_EARLIER,
                           "alice/phone has not acknowledged seq 42 of room/1: it was not sent "
                           "yet; it comes after seq 41, which failed and is tried again first" +
                               paused);
  EXPECT_EQ(delivery.blocked_by_seq(), 41U);
  facts = Online();
  Fail(facts, 1, {.reason = v1::REASON_NACK, .due = 120});
  Pause(facts, "why");
  EXPECT_TRUE(
      Explain(facts).explanation().ends_with("the next attempt is at "
                                             "2026-11-22T00:02:00.000Z" +
                                             paused));
  EXPECT_EQ(Explain(facts).state(), v1::DELIVERY_STATE_BACKOFF);
  facts.now = At(120);
  EXPECT_EQ(Explain(facts).reason(), v1::REASON_CLIENT_PAUSED);
}

TEST(Explain, PendingAfterAConnectionWasLost) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1,
       {.reason = v1::REASON_DISCONNECTED, .detail = "close code 1006", .counted = false});
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_OFFLINE,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 1 (0 of 6 failures that "
         "count), sent 2026-11-22T00:00:10.000Z in session s-1, ended with its connection (close "
         "code 1006); the client is offline, and is sent it when it connects");
  ASSERT_EQ(delivery.attempts_size(), 1);
  const v1::Attempt& attempt = delivery.attempts(0);
  EXPECT_EQ(attempt.number(), 1U);
  EXPECT_EQ(attempt.session(), "s-1");
  EXPECT_EQ(attempt.transport(), "websocket");
  EXPECT_EQ(attempt.remote_address(), "127.0.0.1:5");
  EXPECT_EQ(TimeOf(attempt.sent_at()), At(10));
  EXPECT_EQ(TimeOf(attempt.ended_at()), At(11));
  EXPECT_EQ(attempt.reason(), v1::REASON_DISCONNECTED);
  EXPECT_EQ(attempt.detail(), "close code 1006");
}

TEST(Explain, PendingBehindAnEarlierMessage) {
  DeliveryFacts facts = Online();
  facts.live->blocked_by = Seq{41};
  // A recalled delivery is due with the one that holds it up, and is not in backoff itself.
  Fail(facts, 1, {.reason = v1::REASON_RECALLED, .due = 200, .counted = false});
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_WAITING_FOR_EARLIER,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 1 (0 of 6 failures that "
         "count), sent 2026-11-22T00:00:10.000Z in session s-1, was recalled because an earlier "
         "message failed; it comes after seq 41, which failed and is tried again first");
  EXPECT_EQ(delivery.blocked_by_seq(), 41U);
}

TEST(Explain, PendingBehindAnEarlierMessageUntilThatIsTriedAgain) {
  DeliveryFacts facts = Online();
  facts.live->blocked_by = Seq{41};
  facts.entry.Fail({Seq{41}, Seq{41}}, {.attempts = 1, .counted = 1, .due = At(101)});
  EXPECT_THAT(Explain(facts).explanation(),
              EndsWith("seq 41, which failed and is tried again first, at "
                       "2026-11-22T00:01:41.000Z"));
  facts.now = At(101);
  EXPECT_THAT(Explain(facts).explanation(),
              EndsWith("seq 41, which failed and is tried again first"));
}

TEST(Explain, PendingWhileTheWindowIsFull) {
  DeliveryFacts facts = Online();
  facts.live->window_full = true;
  Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_WINDOW_FULL,
     "alice/phone has not acknowledged seq 42 of room/1: it was not sent yet; the client's window "
     "is full, and it is sent when others are acknowledged");
}

TEST(Explain, PendingAndNextToBeSent) {
  const std::string sentence =
      "alice/phone has not acknowledged seq 42 of room/1: it was not sent yet; it is next to be "
      "sent";
  Is(Online(), v1::DELIVERY_STATE_PENDING, v1::REASON_UNSPECIFIED, sentence);
  DeliveryFacts facts = Online();
  facts.live.reset();
  Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_UNSPECIFIED, sentence);
}

TEST(Explain, InFlightWithTheAttempt) {
  DeliveryFacts facts = Online();
  FlyNow(facts, 1);
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_IN_FLIGHT, v1::REASON_UNSPECIFIED,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 1 of 6, sent "
         "2026-11-22T00:01:30.000Z in session s-2, waits for the acknowledgement and fails after "
         "30 s without one");
  ASSERT_EQ(delivery.attempts_size(), 1);
  EXPECT_FALSE(delivery.attempts(0).has_ended_at());
}

TEST(Explain, InFlightAgainAfterAFailure) {
  DeliveryFacts facts = Online();
  facts.ack_wait = Duration(1500);
  Fail(facts, 1, {.detail = "handler threw"});
  FlyNow(facts, 2);
  // It is on its way and may be acknowledged, although its time has passed meanwhile.
  SetTime(*facts.message->mutable_expires_at(), At(95));
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_IN_FLIGHT, v1::REASON_UNSPECIFIED,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 2 of 6, sent "
         "2026-11-22T00:01:30.000Z in session s-2, waits for the acknowledgement and fails after "
         "1500 ms without one; before that, attempt 1, sent 2026-11-22T00:00:10.000Z in session "
         "s-1, was refused by the client (\"handler threw\")");
  EXPECT_EQ(delivery.attempts_size(), 2);
}

TEST(Explain, BackoffUntilTheNextAttempt) {
  DeliveryFacts facts = Online();
  Fail(facts, 1, {.reason = v1::REASON_ACK_TIMEOUT});
  Fail(facts, 2, {.detail = "handler threw", .sent = 20, .ended = 21, .due = 105});
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_BACKOFF, v1::REASON_NACK,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 2 of 6, sent "
         "2026-11-22T00:00:20.000Z in session s-1, was refused by the client (\"handler threw\"); "
         "the next attempt is at 2026-11-22T00:01:45.000Z");
  EXPECT_EQ(TimeOf(delivery.next_attempt_at()), At(105));
  EXPECT_EQ(delivery.attempts_size(), 2);
}

TEST(Explain, BackoffOfAClientThatIsOffline) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_ACK_TIMEOUT, .due = 105});
  Is(facts, v1::DELIVERY_STATE_BACKOFF, v1::REASON_ACK_TIMEOUT,
     "alice/phone has not acknowledged seq 42 of room/1: attempt 1 of 6, sent "
     "2026-11-22T00:00:10.000Z in session s-1, was not acknowledged in time; the client is "
     "offline, and is sent it when it connects, from 2026-11-22T00:01:45.000Z on");
}

TEST(Explain, AckedAtTheFirstAttempt) {
  DeliveryFacts facts = Owed();
  Ack(facts, 1);
  const auto delivery = Is(facts, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED,
                           "alice/phone acknowledged seq 42 of room/1 at 2026-11-22T00:00:20.000Z: "
                           "attempt 1 of 6, sent 2026-11-22T00:00:18.000Z in session s-1");
  EXPECT_EQ(TimeOf(delivery.settled_at()), At(20));
  ASSERT_EQ(delivery.attempts_size(), 1);
  EXPECT_EQ(delivery.attempts(0).reason(), v1::REASON_UNSPECIFIED);
}

TEST(Explain, AckedAfterAFailure) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1, {.detail = "first time"});
  Ack(facts, 2);
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED,
         "alice/phone acknowledged seq 42 of room/1 at 2026-11-22T00:00:20.000Z: attempt 2 of 6, "
         "sent 2026-11-22T00:00:18.000Z in session s-1; before that, attempt 1, sent "
         "2026-11-22T00:00:10.000Z in session s-1, was refused by the client (\"first time\")");
  EXPECT_EQ(delivery.attempts_size(), 2);
}

TEST(Explain, AckedLate) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_ACK_TIMEOUT});
  Ack(facts, 1);
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED,
         "alice/phone acknowledged seq 42 of room/1 at 2026-11-22T00:00:20.000Z, late: attempt 1 "
         "of 6, sent 2026-11-22T00:00:10.000Z in session s-1, was not acknowledged in time");
  EXPECT_EQ(delivery.attempts_size(), 1);
}

TEST(Explain, AcknowledgedAfterItWentOnOverALaterConnection) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1,
       {.reason = v1::REASON_DISCONNECTED, .detail = "close code 1006", .counted = false});
  Ack(facts, 1);
  facts.acked->event.mutable_acked()->mutable_channels(0)->mutable_runs(0)->set_went_on(true);
  const auto delivery = Explain(facts);
  EXPECT_EQ(delivery.state(), v1::DELIVERY_STATE_ACKED);
  EXPECT_THAT(delivery.explanation(), Not(HasSubstr("late")));
  ASSERT_EQ(delivery.attempts_size(), 2);
  EXPECT_EQ(delivery.attempts(0).reason(), v1::REASON_DISCONNECTED);
  EXPECT_EQ(delivery.attempts(1).number(), 1U);
  EXPECT_EQ(delivery.attempts(1).reason(), v1::REASON_UNSPECIFIED);
}

TEST(Explain, AckedWithoutARecordOfIt) {
  DeliveryFacts facts = Owed();
  facts.entry.Settle({kSeq, kSeq});
  Is(facts, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED,
     "alice/phone has settled seq 42 of room/1; when is no longer on record");
}

TEST(Explain, ParkedOutOfAttempts) {
  DeliveryFacts facts = Online();
  facts.attempts_max = 2;
  Fail(facts, 1, {.detail = "one"});
  Fail(facts, 2, {.reason = v1::REASON_ACK_TIMEOUT, .sent = 20, .ended = 30});
  Park(facts, v1::REASON_MAX_ATTEMPTS);
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_PARKED, v1::REASON_MAX_ATTEMPTS,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 2 of 2, sent "
         "2026-11-22T00:00:20.000Z in session s-1, was not acknowledged in time; it was parked at "
         "2026-11-22T00:00:30.000Z, out of attempts, and waits to be replayed or dismissed");
  EXPECT_EQ(TimeOf(delivery.settled_at()), At(30));
  EXPECT_FALSE(delivery.has_next_attempt_at());
  EXPECT_EQ(delivery.attempts_size(), 2);
}

TEST(Explain, ParkedWhenRejected) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_REJECTED, .detail = "no such customer"});
  Park(facts, v1::REASON_REJECTED);
  Is(facts, v1::DELIVERY_STATE_PARKED, v1::REASON_REJECTED,
     "alice/phone has not acknowledged seq 42 of room/1: attempt 1 of 6, sent "
     "2026-11-22T00:00:10.000Z in session s-1, was rejected by the client for good (\"no such "
     "customer\"); it was parked at 2026-11-22T00:00:30.000Z, rejected for good, and waits to be "
     "replayed or dismissed");
}

TEST(Explain, ParkedAfterManyLostConnections) {
  DeliveryFacts facts = Owed();
  for (std::uint32_t number = 1; number <= 10; ++number) {
    Fail(facts, number, {.reason = v1::REASON_DISCONNECTED, .counted = false});
  }
  Park(facts, v1::REASON_DISCONNECTED);
  Is(facts, v1::DELIVERY_STATE_PARKED, v1::REASON_DISCONNECTED,
     "alice/phone has not acknowledged seq 42 of room/1: attempt 10 (0 of 6 failures that count), "
     "sent 2026-11-22T00:00:10.000Z in session s-1, ended with its connection; it was parked at "
     "2026-11-22T00:00:30.000Z, too many lost connections in a row, and waits to be replayed or "
     "dismissed");
}

TEST(Explain, AbandonedOnRecord) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_ACK_TIMEOUT});
  Abandon(facts, v1::REASON_EXPIRED);
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_ABANDONED, v1::REASON_EXPIRED,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 1 of 6, sent "
         "2026-11-22T00:00:10.000Z in session s-1, was not acknowledged in time; it expired at "
         "2026-11-22T00:00:40.000Z and is not delivered any more");
  EXPECT_EQ(TimeOf(delivery.settled_at()), At(40));
  facts = Owed();
  Abandon(facts, v1::REASON_RETENTION);
  Is(facts, v1::DELIVERY_STATE_ABANDONED, v1::REASON_RETENTION,
     "alice/phone has not acknowledged seq 42 of room/1: it was never sent; retention "
     "removed it at 2026-11-22T00:00:40.000Z, and it will not be delivered");
}

TEST(Explain, AbandonedByAnOperator) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_REJECTED, .detail = "never"});
  Park(facts, v1::REASON_REJECTED);
  Dismiss(facts, "order cancelled");
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_ABANDONED, v1::REASON_DISMISSED,
         "alice/phone has not acknowledged seq 42 of room/1: attempt 1 of 6, sent "
         "2026-11-22T00:00:10.000Z in session s-1, was rejected by the client for good "
         "(\"never\"); it was parked, and an operator dismissed it at 2026-11-22T00:00:40.000Z "
         "(\"order cancelled\")");
  EXPECT_EQ(TimeOf(delivery.settled_at()), At(40));
  EXPECT_EQ(delivery.attempts_size(), 1);
}

TEST(Explain, AbandonedOnceItsTimeHasPassed) {
  DeliveryFacts facts = Owed();
  SetTime(*facts.message->mutable_expires_at(), At(101));
  Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_OFFLINE,
     "alice/phone has not acknowledged seq 42 of room/1: it was not sent yet; the client is "
     "offline, and is sent it when it connects");
  SetTime(*facts.message->mutable_expires_at(), At(100));
  const auto delivery = Is(facts, v1::DELIVERY_STATE_ABANDONED, v1::REASON_EXPIRED,
                           "alice/phone has not acknowledged seq 42 of room/1: it was never "
                           "sent; it expired at 2026-11-22T00:01:40.000Z and is not delivered any "
                           "more");
  EXPECT_EQ(TimeOf(delivery.settled_at()), At(100));
}

TEST(Explain, AbandonedWhenTheLogLostIt) {
  DeliveryFacts facts = Owed();
  facts.message->set_kind(v1::KIND_UNSPECIFIED);
  Is(facts, v1::DELIVERY_STATE_ABANDONED, v1::REASON_RETENTION,
     "alice/phone has not acknowledged seq 42 of room/1: it was never sent; the log lost it, "
     "which an operator accepted; it will not be delivered");
}

TEST(Explain, AbandonedWithTheSubscription) {
  DeliveryFacts facts = Owed();
  Unsubscribe(facts);
  const std::string sentence =
      "alice/phone has not acknowledged seq 42 of room/1: it was never sent; the subscription "
      "ended at 2026-11-22T00:00:50.000Z, and it is not owed any more";
  const auto delivery = Is(facts, v1::DELIVERY_STATE_ABANDONED, v1::REASON_UNSUBSCRIBED, sentence);
  EXPECT_EQ(TimeOf(delivery.settled_at()), At(50));
  facts.entry = LedgerEntry(Seq{51}, At(60));
  Is(facts, v1::DELIVERY_STATE_ABANDONED, v1::REASON_UNSUBSCRIBED, sentence);
}

TEST(Explain, TellsOnlyOfTheSubscriptionThatHolds) {
  DeliveryFacts facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_ACK_TIMEOUT});
  Unsubscribe(facts);
  facts.entry = LedgerEntry(Seq{1}, At(60));
  const auto delivery = Is(facts, v1::DELIVERY_STATE_PENDING, v1::REASON_CLIENT_OFFLINE,
                           "alice/phone has not acknowledged seq 42 of room/1: it was not sent "
                           "yet; the client is offline, and is sent it when it connects");
  EXPECT_EQ(delivery.attempts_size(), 0);
  Fail(facts, 1, {.sent = 70, .ended = 71});
  EXPECT_EQ(Explain(facts).attempts_size(), 1);
  EXPECT_EQ(Explain(facts).attempts(0).reason(), v1::REASON_NACK);
}

}  // namespace
}  // namespace ackwire
