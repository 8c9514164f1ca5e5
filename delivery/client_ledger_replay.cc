// What a ClientLedger does with deliveries of replays.
#include <algorithm>

#include "delivery/client_ledger.h"

namespace ackwire {

void ClientLedger::AddReplays(const std::vector<ReplayDelivery>& deliveries, Timestamp now) {
  for (const ReplayDelivery& each : deliveries) {
    const auto skip = [&](v1::Reason reason, v1::DeliveryState state) {
      journal_.AddOutcome({each.replay, store::ReplayOutcome::SKIPPED, reason, state}, each.key);
    };
    if (!feeds_.contains(each.key.channel)) {
      skip(v1::REASON_NO_SUBSCRIPTION, v1::DELIVERY_STATE_NOT_OWED);
      continue;
    }
    const std::optional<SettledAs> since = lane_.Remembered(each.key);
    if (since && *since != each.before) {
      const bool acked = *since == SettledAs::kAcked;
      skip(acked ? v1::REASON_UNSPECIFIED : v1::REASON_DISMISSED,
           acked ? v1::DELIVERY_STATE_ACKED : v1::DELIVERY_STATE_ABANDONED);
      continue;
    }
    const auto number = sent_.InFlight(each.key);
    if (number && sent_.Find(*number)->replay.value != 0) {
      lane_.AddInFlight(each);
    } else {
      lane_.Add(each, now);
    }
  }
}

std::optional<DeliveryKey> ClientLedger::FindReplay(Timestamp now) {
  lane_.Wake(now);
  // What is owed finds room beside a client that is slow with replays.
  const std::size_t replays_max = std::max<std::size_t>(options_.window / 2, 1);
  if (options_.paused || sent_.in_flight() >= options_.window) return std::nullopt;
  if (lane_.in_flight() >= replays_max) return std::nullopt;
  std::optional<DeliveryKey> next = lane_.FindNext();
  for (; next && IsForbidden(next->channel); next = lane_.FindNext()) {
    EndForbiddenReplay(*next);
  }
  return next;
}

ClientLedger::Delivery ClientLedger::SendReplay(const DeliveryKey& key, Timestamp published_at,
                                                Timestamp now) {
  const ReplayLane::Item& item = lane_.Send(key);
  const std::uint64_t number = sent_.Add({.key = key,
                                          .attempt = item.attempts,
                                          .replay = item.replays.front(),
                                          .before = item.before,
                                          .published_at = published_at,
                                          .sent_at = now});
  return {number, item.attempts, item.replays.front()};
}

void ClientLedger::EndReplay(const DeliveryKey& key, LedgerJournal::Outcome how) {
  const std::optional<ReplayLane::Item> item = lane_.Take(key);
  if (!item) return;
  for (const auto* replays : {&item->replays, &item->withdrawn}) {
    for (const ReplayId replay : *replays) {
      how.replay = replay;
      journal_.AddOutcome(how, key);
    }
  }
}

// It may be late, and the delivery with its replay again, to be handed over once more or to another
// session; or others deliver it by now. What a replay counts is what is open of it.
void ClientLedger::SettleReplay(const AckWindow::Sent& sent) {
  const DeliveryKey key = sent.key;
  const auto known = feeds_.find(key.channel);
  if (known == feeds_.end()) return sent_.Forget(key);
  const LedgerJournal::Outcome acked{.replay = sent.replay, .kind = store::ReplayOutcome::ACKED};
  EndReplay(key, acked);
  journal_.AddOutcome(acked, key);
  const LedgerEntry& entry = known->second.entry();
  if (key.seq >= entry.start() && !entry.IsSettled(key.seq)) {
    // Subscribed anew, it is owed as well.
    journal_.AddAcked({.sent = sent});
    known->second.Settle(key.seq);
    ready_.insert(key.channel);
  } else if (sent.before != SettledAs::kAcked) {
    journal_.AddAcked({.sent = sent, .replay = sent.replay});
    if (sent.before == SettledAs::kParked && entry.parked() > 0) known->second.Unpark();
    lane_.Remember(key, SettledAs::kAcked);
  }
  sent_.Forget(key);
  CountAcked();
}

void ClientLedger::FailReplays(const Numbers& failed, v1::Reason reason, const Refusal& refusal,
                               Timestamp now) {
  const bool nacked = reason != v1::REASON_ACK_TIMEOUT;
  store::Failed& record = journal_.AddFailed(reason, refusal.reason, now);
  for (const std::uint64_t number : failed) {
    const DeliveryKey key = sent_.Find(number)->key;
    const std::uint32_t failures = lane_.CountFailure(key);
    const Timestamp due = now + ScheduleOf(key.channel).DelayAfter(failures, refusal.delay);
    const HowFailed how{nacked ? AckWindow::State::kDropped : AckWindow::State::kLate, reason, true,
                        due};
    LedgerJournal::AddAttempt(record, *sent_.Find(number), how);
    sent_.End(number, how.state);
    // Whatever the number under which the client was sent it, it has dropped it.
    if (nacked) sent_.Drop(key.channel, {key.seq, key.seq});
    if (refusal.final || ScheduleOf(key.channel).Exhausted(failures)) {
      const v1::Reason why = refusal.final ? reason : v1::REASON_MAX_ATTEMPTS;
      EndReplay(key, {.kind = store::ReplayOutcome::FAILED, .reason = why});
      sent_.Park(key);  // a late acknowledgement still counts, of some
    } else if (lane_.IsWanted(key)) {
      lane_.Retry(key, due);
    } else {
      (void)lane_.Take(key);  // all were withdrawn
    }
  }
}

ClientLedger::Numbers ClientLedger::TakeReplays(Numbers& numbers) const {
  const auto of_replays = std::stable_partition(
      numbers.begin(), numbers.end(),
      [this](std::uint64_t number) { return sent_.Find(number)->replay.value == 0; });
  Numbers replays(of_replays, numbers.end());
  numbers.erase(of_replays, numbers.end());
  return replays;
}

}  // namespace ackwire
