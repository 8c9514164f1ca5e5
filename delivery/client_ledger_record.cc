// How a ClientLedger ends attempts, and the journal events it makes of what happens.
#include <algorithm>
#include <limits>

#include "delivery/client_ledger.h"

namespace ackwire {
void ClientLedger::FailCounted(const Numbers& failed, v1::Reason reason, const Refusal& refusal,
                               Timestamp now) {
  const bool nacked = reason != v1::REASON_ACK_TIMEOUT;
  const AckWindow::State state = nacked ? AckWindow::State::kDropped : AckWindow::State::kLate;
  store::Failed& record = journal_.AddFailed(reason, refusal.reason, now);
  std::vector<DeliveryKey> keys;
  for (const std::uint64_t number : failed) {
    const DeliveryKey key = sent_.Find(number)->key;
    const std::uint32_t failures = feed(key.channel).CountedFailures(key.seq) + 1;
    const Timestamp due = now + ScheduleOf(key.channel).DelayAfter(failures, refusal.delay);
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

ClientLedger::Numbers ClientLedger::FailUncounted(Numbers& all, v1::Reason reason,
                                                  const std::string& detail, Timestamp now) {
  if (all.empty()) return {};
  store::Failed& record = journal_.AddFailed(reason, detail, now);
  const HowFailed how{AckWindow::State::kLate, reason, false, now};
  Numbers replays = TakeReplays(all);
  for (const std::uint64_t number : replays) {
    LedgerJournal::AddAttempt(record, *sent_.Find(number), how);
    sent_.End(number, how.state);
  }
  for (const std::uint64_t number : all) Fail(number, how, record);
  return replays;
}

void ClientLedger::FailClosed(Numbers failed, v1::Reason reason, const std::string& detail,
                              Timestamp now) {
  // Whoever handed the replays' over does so again when the client is back.
  (void)FailUncounted(failed, reason, detail, now);
  for (const std::uint64_t number : failed) sent_.MarkCut(number);
}

void ClientLedger::ParkExhausted(const std::vector<DeliveryKey>& failed, v1::Reason reason,
                                 const Refusal& refusal, Timestamp now) {
  for (const DeliveryKey& key : failed) {
    const std::uint32_t failures = feed(key.channel).CountedFailures(key.seq);
    if (refusal.final) {
      Park(key, reason, refusal.reason, now);
    } else if (ScheduleOf(key.channel).Exhausted(failures)) {
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
    const AckWindow::Sent& sent = *sent_.Find(number);
    const bool behind = sent.key.channel == failed.channel && sent.key.seq > failed.seq;
    if (behind && sent.replay.value == 0) recalled.push_back(number);
  }
  if (recalled.empty()) return;
  const bool dropped = state == AckWindow::State::kDropped;
  const Timestamp due = dropped ? now + kPauseAfterNack : now;
  store::Failed& record = journal_.AddFailed(v1::REASON_RECALLED, "", now);
  for (const std::uint64_t number : recalled) {
    Fail(number, {state, v1::REASON_RECALLED, false, due}, record);
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
  LedgerJournal::AddAttempt(record, sent, how);
  ready_.insert(key.channel);
}

store::Parked& ClientLedger::Park(const DeliveryKey& key, v1::Reason reason,
                                  const std::string& detail, Timestamp now) {
  auto& record = *journal_.Add(now).mutable_parked();
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

// What was under way when the subscription ended fails with it, and no other event names it.
void ClientLedger::AddUnsubscribed(ChannelId channel, Timestamp now) {
  auto& record = *journal_.Add(now).mutable_unsubscribed();
  record.set_channel(channel.value);
  for (const std::uint64_t number : sent_.AllInFlight()) {
    const AckWindow::Sent& sent = *sent_.Find(number);
    if (sent.key.channel != channel) continue;
    LedgerJournal::AddRun(*record.mutable_in_flight(), sent);
  }
}

std::optional<AckWindow::Sent> ClientLedger::Overtaken(std::uint64_t number) const {
  const auto in_flight = sent_.InFlight(sent_.Find(number)->key);
  if (!in_flight || *in_flight == number) return std::nullopt;
  return *sent_.Find(*in_flight);
}

}  // namespace ackwire
