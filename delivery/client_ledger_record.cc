// How a ClientLedger ends attempts, and the journal events it makes of what happens.
#include <algorithm>
#include <limits>

#include "delivery/client_ledger.h"

namespace ackwire {
namespace {

// The part of the event for this channel, and for attempts that are due then.
store::FailedChannel& PartOf(store::Failed& record, ChannelId channel, bool counted,
                             Timestamp due) {
  // A session's channels take turns, so it may be any; most likely one of the last.
  for (int i = record.channels_size(); i-- > 0;) {
    auto& part = *record.mutable_channels(i);
    if (part.channel() == channel.value && part.counted() == counted &&
        part.due_at_ms() == ToUnixMs(due)) {
      return part;
    }
  }
  auto& part = *record.add_channels();
  part.set_channel(channel.value);
  part.set_counted(counted);
  part.set_due_at_ms(ToUnixMs(due));
  return part;
}

// Adds a seq to the runs: to the last one where it goes on with the same attempt of the same frame.
void AddToRuns(google::protobuf::RepeatedPtrField<store::SentRun>& runs, Seq seq,
               std::uint32_t attempt, Timestamp sent_at) {
  if (!runs.empty()) {
    auto& last = *runs.rbegin();
    if (last.last() + 1 == seq.value && last.attempt() == attempt &&
        last.sent_at_ms() == ToUnixMs(sent_at)) {
      last.set_last(seq.value);
      return;
    }
  }
  auto& run = *runs.Add();
  run.set_first(seq.value);
  run.set_last(seq.value);
  run.set_attempt(attempt);
  run.set_sent_at_ms(ToUnixMs(sent_at));
}

}  // namespace

void ClientLedger::FailCounted(const Numbers& failed, v1::Reason reason, const Refusal& refusal,
                               Timestamp now) {
  const bool nacked = reason != v1::REASON_ACK_TIMEOUT;
  const AckWindow::State state = nacked ? AckWindow::State::kDropped : AckWindow::State::kLate;
  store::Failed& record = AddFailed(reason, refusal.reason, now);
  std::vector<DeliveryKey> keys;
  for (const std::uint64_t number : failed) {
    const DeliveryKey key = sent_.Find(number)->key;
    const std::uint32_t failures = feed(key.channel).CountedFailures(key.seq) + 1;
    const Timestamp due = now + schedule_.DelayAfter(failures, refusal.delay);
    Fail(number, {state, reason, true, due}, record);
    keys.push_back(key);
  }
  for (const DeliveryKey& key : Heads(keys)) {
    if (nacked) {
      Drop(key, now);
    } else {
      Recall(key, state, now);
    }
  }
  ParkExhausted(keys, reason, refusal, now);
}

void ClientLedger::ParkExhausted(const std::vector<DeliveryKey>& failed, v1::Reason reason,
                                 const Refusal& refusal, Timestamp now) {
  for (const DeliveryKey& key : failed) {
    const std::uint32_t failures = feed(key.channel).CountedFailures(key.seq);
    if (refusal.final) {
      Park(key, reason, refusal.reason, now);
    } else if (schedule_.Exhausted(failures)) {
      Park(key, v1::REASON_MAX_ATTEMPTS, refusal.reason, now);
    }
  }
}

std::vector<DeliveryKey> ClientLedger::Heads(const std::vector<DeliveryKey>& keys) const {
  std::vector<DeliveryKey> heads = keys;
  std::sort(heads.begin(), heads.end());
  const auto covered = [this](const DeliveryKey& head, const DeliveryKey& key) {
    return head.channel == key.channel && feeds_.at(key.channel).ordering() == Ordering::kOrdered;
  };
  heads.erase(std::unique(heads.begin(), heads.end(), covered), heads.end());
  return heads;
}

void ClientLedger::Recall(const DeliveryKey& failed, AckWindow::State state, Timestamp now) {
  if (feed(failed.channel).ordering() == Ordering::kUnordered) return;
  Numbers recalled;
  for (const std::uint64_t number : sent_.AllInFlight()) {
    const DeliveryKey& key = sent_.Find(number)->key;
    if (key.channel == failed.channel && key.seq > failed.seq) recalled.push_back(number);
  }
  if (recalled.empty()) return;
  store::Failed& record = AddFailed(v1::REASON_RECALLED, "", now);
  for (const std::uint64_t number : recalled) {
    Fail(number, {state, v1::REASON_RECALLED, false, now}, record);
  }
}

void ClientLedger::Drop(const DeliveryKey& key, Timestamp now) {
  const bool ordered = feed(key.channel).ordering() == Ordering::kOrdered;
  Recall(key, AckWindow::State::kDropped, now);
  constexpr Seq kLast{std::numeric_limits<std::uint64_t>::max()};
  sent_.Drop(key.channel, {key.seq, ordered ? kLast : key.seq});
}

void ClientLedger::Fail(std::uint64_t number, const HowFailed& how, store::Failed& record) {
  const AckWindow::Sent sent = *sent_.Find(number);
  const DeliveryKey& key = sent.key;
  sent_.End(number, how.state);
  feed(key.channel)
      .Fail(key.seq, {.attempts = sent.attempt,
                      .counted = how.counted ? 1U : 0U,
                      .due = how.due,
                      .reason = how.reason});
  AddFailedRun(record, sent, how);
  ready_.insert(key.channel);
}

void ClientLedger::AddFailedRun(store::Failed& record, const AckWindow::Sent& sent,
                                const HowFailed& how) {
  AddToRuns(*PartOf(record, sent.key.channel, how.counted, how.due).mutable_runs(), sent.key.seq,
            sent.attempt, sent.sent_at);
}

store::Parked& ClientLedger::Park(const DeliveryKey& key, v1::Reason reason,
                                  const std::string& detail, Timestamp now) {
  auto& record = *AddEvent(now).mutable_parked();
  record.set_channel(key.channel.value);
  record.set_seq(key.seq.value);
  record.set_reason(reason);
  record.set_detail(detail);
  const auto& retries = feed(key.channel).entry().retries();
  const auto retry = retries.find(key.seq);
  record.set_attempts(retry == retries.end() ? 0 : retry->second.attempts);
  feed(key.channel).Park(key.seq);
  sent_.Park(key);
  ready_.insert(key.channel);
  return record;
}

store::Event& ClientLedger::AddEvent(Timestamp now) {
  RecordAcked(now);  // so that events stand in the order in which things happened
  store::Event& event = events_.emplace_back();
  event.set_client(options_.client);
  event.set_session(options_.session.id);
  event.set_at_ms(ToUnixMs(now));
  return event;
}

store::Failed& ClientLedger::AddFailed(v1::Reason reason, const std::string& detail,
                                       Timestamp now) {
  store::Failed& record = *AddEvent(now).mutable_failed();
  record.set_reason(reason);
  record.set_detail(detail);
  record.set_transport(options_.session.transport);
  record.set_remote_address(options_.session.remote_address);
  return record;
}

// What was under way when the subscription ended fails with it, and no other event names it.
void ClientLedger::AddUnsubscribed(ChannelId channel, Timestamp now) {
  auto& record = *AddEvent(now).mutable_unsubscribed();
  record.set_channel(channel.value);
  for (const std::uint64_t number : sent_.AllInFlight()) {
    const AckWindow::Sent& sent = *sent_.Find(number);
    if (sent.key.channel != channel) continue;
    AddToRuns(*record.mutable_in_flight(), sent.key.seq, sent.attempt, sent.sent_at);
  }
}

std::optional<AckWindow::Sent> ClientLedger::Overtaken(std::uint64_t number) const {
  const auto in_flight = sent_.InFlight(sent_.Find(number)->key);
  if (!in_flight || *in_flight == number) return std::nullopt;
  return *sent_.Find(*in_flight);
}

void ClientLedger::RecordAcked(Timestamp now) {
  if (acked_.empty()) return;
  std::vector<AckedRun> acked = std::exchange(acked_, {});
  std::stable_sort(acked.begin(), acked.end(),
                   [](const AckedRun& a, const AckedRun& b) { return a.key < b.key; });
  auto& record = *AddEvent(now).mutable_acked();
  record.set_after_disconnects(std::exchange(acked_after_disconnects_, false));
  for (const AckedRun& each : acked) {
    const std::uint64_t channel = each.key.channel.value;
    if (record.channels().empty() || record.channels().rbegin()->channel() != channel) {
      record.add_channels()->set_channel(channel);
    }
    auto& part = *record.mutable_channels(record.channels_size() - 1);
    if (each.was_parked) {
      part.add_unparked(each.key.seq.value);
    } else {
      AddToRuns(*part.mutable_runs(), each.key.seq, each.attempt, each.sent_at);
    }
    if (each.overtaken) {
      AddToRuns(*part.mutable_in_flight(), each.key.seq, each.overtaken->attempt,
                each.overtaken->sent_at);
    }
  }
}

std::vector<store::Event> ClientLedger::TakeEvents(Timestamp now) {
  RecordAcked(now);
  return std::exchange(events_, {});
}

}  // namespace ackwire
