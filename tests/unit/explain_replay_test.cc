// What replays and operators have to do with it, in Explain's words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/explain.h"
#include "store/proto_time.h"
#include "tests/unit/delivery_facts.h"

namespace ackwire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using namespace facts_of;  // NOLINT(google-build-using-namespace): its words are this test's

TEST(Explain, ParkedByWhatWasNoAttemptTellsTheDetail) {
  DeliveryFacts facts = Owed();
  Park(facts, v1::REASON_TOO_LARGE, "the message takes 2000 bytes");
  Is(facts, v1::DELIVERY_STATE_PARKED, v1::REASON_TOO_LARGE,
     "alice/phone has not acknowledged seq 42 of room/1: it was never sent; it was parked at "
     "2026-11-22T00:00:30.000Z, too large for the client: the message takes 2000 bytes, and waits "
     "to be replayed or dismissed");
  facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_ACK_TIMEOUT});
  Park(facts, v1::REASON_REJECTED, "no such order");
  facts.parked->event.mutable_parked()->set_late(true);
  EXPECT_THAT(Explain(facts).explanation(),
              HasSubstr("was not acknowledged in time; it was parked at 2026-11-22T00:00:30.000Z, "
                        "rejected for good (\"no such order\"), and waits"));
  facts = Owed();
  Fail(facts, 1, {.reason = v1::REASON_DISCONNECTED, .counted = false});
  Park(facts, v1::REASON_MAX_ATTEMPTS, "10 disconnections in a row without an acknowledgement");
  EXPECT_THAT(Explain(facts).explanation(),
              HasSubstr("it was parked at 2026-11-22T00:00:30.000Z, after 10 disconnections in a "
                        "row without an acknowledgement, and waits"));
}

// Rejected, and parked for that.
DeliveryFacts Rejected(DeliveryFacts facts) {
  Fail(facts, 1, {.reason = v1::REASON_REJECTED, .detail = "no such order"});
  Park(facts, v1::REASON_REJECTED);
  return facts;
}

TEST(Explain, ParkedWhileAReplayDeliversItAgain) {
  const std::string parked =
      "attempt 1 of 6, sent 2026-11-22T00:00:10.000Z in session s-1, was rejected by the client "
      "for good (\"no such order\"); it was parked at 2026-11-22T00:00:30.000Z, rejected for good";
  DeliveryFacts facts = Rejected(Owed());
  facts.replay = OpenReplay{.id = {1}};
  EXPECT_THAT(Explain(facts).explanation(),
              EndsWith(parked + "; replay r-1 delivers it again when the client connects"));
  facts = Rejected(Online());
  facts.replay = OpenReplay{.id = {1}};
  EXPECT_THAT(Explain(facts).explanation(),
              EndsWith(parked + "; replay r-1 delivers it again as soon as it is its turn"));
  facts.replay->paused = true;
  EXPECT_THAT(Explain(facts).explanation(),
              EndsWith(parked + "; replay r-1 delivers it again once the replay is resumed"));
  facts.replay->paused = false;
  Fail(facts, 2, {.detail = "not yet", .sent = 40, .ended = 41, .replay = 1});
  facts.live->replay_due = At(105);
  const v1::Delivery delivery = Explain(facts);
  EXPECT_THAT(delivery.explanation(),
              EndsWith(parked + "; replay r-1 delivers it again: attempt 2, sent "
                                "2026-11-22T00:00:40.000Z in session s-1, was refused by the "
                                "client (\"not yet\"), and the next is at "
                                "2026-11-22T00:01:45.000Z"));
  EXPECT_EQ(delivery.attempts(1).replay(), "r-1");
}

TEST(Explain, ParkedStillWhenTheReplayHasFailed) {
  DeliveryFacts facts = Rejected(Online());
  Fail(facts, 2,
       {.reason = v1::REASON_REJECTED, .detail = "still", .sent = 40, .ended = 41, .replay = 1});
  EXPECT_THAT(Explain(facts).explanation(),
              EndsWith("rejected for good; replay r-1 delivered it again: attempt 2, sent "
                       "2026-11-22T00:00:40.000Z in session s-1, was rejected by the client for "
                       "good (\"still\"), and it waits to be replayed or dismissed"));
}

TEST(Explain, WhatFailedAfterTheAcknowledgementIsToldAfterIt) {
  DeliveryFacts facts = Online();
  Fail(facts, 2, {.detail = "had it already", .sent = 40, .ended = 41, .replay = 1});
  Ack(facts, 1);
  const auto delivery =
      Is(facts, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED,
         "alice/phone acknowledged seq 42 of room/1 at 2026-11-22T00:00:20.000Z: attempt 1 of 6, "
         "sent 2026-11-22T00:00:18.000Z in session s-1; replay r-1 delivered it again: attempt 2, "
         "sent 2026-11-22T00:00:40.000Z in session s-1, was refused by the client (\"had it "
         "already\")");
  ASSERT_EQ(delivery.attempts_size(), 2);
  EXPECT_EQ(delivery.attempts(0).number(), 1U);
}

TEST(Explain, AckedByAReplayAfterItWasDismissed) {
  DeliveryFacts facts = Rejected(Owed());
  Dismiss(facts, "order cancelled");
  store::Event event = events::AckedInReplay({1}, "alice/phone", kRoomId, {kSeq, kSeq});
  event.set_at_ms(ToUnixMs(At(60)));
  event.mutable_acked()->mutable_channels(0)->mutable_replayed(0)->set_sent_at_ms(ToUnixMs(At(55)));
  facts.acked = JournalEvent{EventId{12}, At(60), event};
  Is(facts, v1::DELIVERY_STATE_ACKED, v1::REASON_UNSPECIFIED,
     "alice/phone acknowledged seq 42 of room/1 at 2026-11-22T00:01:00.000Z: attempt 7, of replay "
     "r-1, sent 2026-11-22T00:00:55.000Z in session s-1; before that, attempt 1, sent "
     "2026-11-22T00:00:10.000Z in session s-1, was rejected by the client for good (\"no such "
     "order\"); meanwhile an operator dismissed it at 2026-11-22T00:00:40.000Z (\"order "
     "cancelled\")");
}

}  // namespace
}  // namespace ackwire
