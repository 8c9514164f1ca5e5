// The facts of one delivery, seq 42 of room/1 to alice/phone, and what may become of it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "delivery/explain.h"
#include "store/proto_time.h"
#include "tests/unit/channel_ids.h"
#include "tests/unit/ledger_events.h"

namespace ackwire::facts_of {

inline constexpr Seq kSeq{42};

// So many seconds after 2026-11-22T00:00:00Z.
inline Timestamp At(int seconds) {
  return FromUnixMs(1'795'305'600'000 + static_cast<std::int64_t>(seconds) * 1000);
}

// A message that alice/phone is owed, is not connected for, and has not been sent.
inline DeliveryFacts Owed() {
  DeliveryFacts facts;
  facts.client = "alice/phone";
  facts.channel = "room/1";
  facts.seq = kSeq;
  facts.now = At(100);
  facts.ack_wait = Duration(30'000);
  facts.attempts_max = 6;
  facts.message.emplace();
  facts.message->set_kind(v1::KIND_CREATED);
  facts.message->set_message_id("m-42");
  SetTime(*facts.message->mutable_published_at(), At(0));
  facts.channel_id = kRoomId;
  facts.channel_last = Seq{50};
  facts.entry = LedgerEntry(Seq{40}, At(-60));
  return facts;
}

inline DeliveryFacts Online() {
  DeliveryFacts facts = Owed();
  facts.online = true;
  facts.live.emplace();
  return facts;
}

struct Ending {
  v1::Reason reason = v1::REASON_NACK;
  std::string detail;
  int sent = 10;
  int ended = 11;
  int due = 0;
  bool counted = true;
  std::uint64_t replay = 0;
};

// Attempt `number` failed.
inline void Fail(DeliveryFacts& facts, std::uint32_t number, const Ending& how) {
  store::Event event = events::Of("alice/phone", At(how.ended));
  store::Failed& failed = *event.mutable_failed();
  failed.set_reason(how.reason);
  failed.set_detail(how.detail);
  failed.set_transport("websocket");
  failed.set_remote_address("127.0.0.1:5");
  store::FailedChannel& part = *failed.add_channels();
  part.set_channel(kRoomId.value);
  part.set_counted(how.counted);
  part.set_replay(how.replay);
  part.set_due_at_ms(ToUnixMs(At(how.due)));
  store::SentRun& run = *part.add_runs();
  events::SetRun(run, {kSeq, kSeq});
  run.set_attempt(number);
  run.set_sent_at_ms(ToUnixMs(At(how.sent)));
  const EventId id = EventId::Of({facts.failures.size() + 1}, 0);
  facts.entry.Fold(id, event, kRoomId);
  facts.failures.push_back({id, At(how.ended), event});
}

inline void FlyNow(DeliveryFacts& facts, std::uint32_t number) {
  facts.live->in_flight = true;
  facts.live->attempt.set_number(number);
  facts.live->attempt.set_session("s-2");
  SetTime(*facts.live->attempt.mutable_sent_at(), At(90));
}

inline void Ack(DeliveryFacts& facts, std::uint32_t attempt) {
  store::Event event = events::Acked("alice/phone", kRoomId, {{kSeq, kSeq}});
  event.set_at_ms(ToUnixMs(At(20)));
  event.mutable_acked()->mutable_channels(0)->mutable_runs(0)->set_attempt(attempt);
  event.mutable_acked()->mutable_channels(0)->mutable_runs(0)->set_sent_at_ms(ToUnixMs(At(18)));
  facts.entry.Settle({kSeq, kSeq});
  facts.acked = JournalEvent{EventId{9}, At(20), event};
}

inline void Park(DeliveryFacts& facts, v1::Reason reason, const std::string& detail = "") {
  store::Event event = events::Parked("alice/phone", kRoomId, kSeq);
  event.set_at_ms(ToUnixMs(At(30)));
  event.mutable_parked()->set_reason(reason);
  event.mutable_parked()->set_detail(detail);
  facts.entry.Park(kSeq);
  facts.parked = JournalEvent{EventId{9}, At(30), event};
}

inline void Abandon(DeliveryFacts& facts, v1::Reason reason) {
  store::Event event = events::Abandoned("alice/phone", kRoomId, {kSeq, kSeq});
  event.set_at_ms(ToUnixMs(At(40)));
  event.mutable_abandoned()->set_reason(reason);
  facts.entry.Settle({kSeq, kSeq});
  facts.failures.push_back({EventId{9}, At(40), event});
}

// Parked before.
inline void Dismiss(DeliveryFacts& facts, const std::string& note) {
  store::Event event = events::Dismissed("alice/phone", kRoomId, {kSeq}, note);
  event.set_at_ms(ToUnixMs(At(40)));
  facts.parked.reset();
  facts.failures.push_back({EventId{10}, At(40), event});
}

inline void Pause(DeliveryFacts& facts, const std::string& note) {
  facts.state.paused = true;
  facts.state.paused_at = At(60);
  facts.state.pause_note = note;
}

inline void Unsubscribe(DeliveryFacts& facts) {
  store::Event event = events::Unsubscribed("alice/phone", kRoomId);
  event.set_at_ms(ToUnixMs(At(50)));
  events::SetRun(*event.mutable_unsubscribed()->add_runs(), {kSeq, Seq{50}});
  facts.entry = LedgerEntry();
  facts.failures.push_back({EventId{9}, At(50), event});
}

// What Explain says of the facts, which is to be this.
inline v1::Delivery Is(const DeliveryFacts& facts, v1::DeliveryState state, v1::Reason reason,
                       const std::string& explanation) {
  const v1::Delivery delivery = Explain(facts);
  EXPECT_EQ(v1::DeliveryState_Name(delivery.state()), v1::DeliveryState_Name(state));
  EXPECT_EQ(v1::Reason_Name(delivery.reason()), v1::Reason_Name(reason));
  EXPECT_EQ(delivery.explanation(), explanation);
  EXPECT_EQ(delivery.client(), facts.client);
  EXPECT_EQ(delivery.channel(), facts.channel);
  EXPECT_EQ(delivery.seq(), facts.seq.value);
  EXPECT_EQ(delivery.attempts_max(), facts.attempts_max);
  return delivery;
}

}  // namespace ackwire::facts_of
