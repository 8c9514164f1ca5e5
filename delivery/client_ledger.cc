#include "delivery/client_ledger.h"

#include <algorithm>

namespace ackwire {
namespace {

// The channel has in flight what its policy lets it have of the window.
bool HasItsShare(const AckWindow& sent, ChannelId channel, const ChannelFeed& feed) {
  const std::optional<std::uint32_t>& share = feed.policy().window;
  return share && sent.in_flight(channel) >= *share;
}

}  // namespace

ClientLedger::ClientLedger(Options options, AckWindow sent, const Policies& policies, Rng& rng)
    : options_(std::move(options)),
      policies_(policies),
      rng_(rng),
      sent_(std::move(sent)),
      journal_(options_.client, options_.session) {}

bool ClientLedger::AddSubscription(const SubscriptionState& subscription) {
  const auto [at, added] =
      feeds_.try_emplace(subscription.channel, subscription.channel_name, subscription.entry,
                         subscription.last, policies_.For(subscription.channel_name));
  if (!added) return false;
  by_name_[subscription.channel_name] = subscription.channel;
  ready_.insert(subscription.channel);
  (void)forbidden_.Judge(subscription.channel, subscription.channel_name);
  return true;
}

void ClientLedger::RemoveSubscription(ChannelId channel, Timestamp now) {
  AddUnsubscribed(channel, now);
  sent_.Forget(channel);
  for (const auto& [key, item] : lane_.Take(channel)) {
    for (const ReplayId replay : item.replays) {
      journal_.AddOutcome({replay, store::ReplayOutcome::SKIPPED, v1::REASON_UNSUBSCRIBED,
                           v1::DELIVERY_STATE_ABANDONED},
                          key);
    }
  }
  ready_.erase(channel);
  forbidden_.Forget(channel);
  const auto found = feeds_.find(channel);
  if (found == feeds_.end()) return;
  by_name_.erase(found->second.name());
  feeds_.erase(found);
}

SeqRuns ClientLedger::Apply(const store::Event& change, Timestamp now) {
  if (change.has_client_paused()) {
    *journal_.Add(now).mutable_client_paused() = change.client_paused();
    options_.paused = change.client_paused().paused();
    return {};
  }
  store::Abandoned abandoned = change.abandoned();
  const ChannelId channel{abandoned.channel()};
  const SeqRuns runs = OwedAndNotInFlight(channel, SeqRunsOf(abandoned.runs()));
  abandoned.clear_runs();
  AddRuns(runs, *abandoned.mutable_runs());
  if (runs.empty() && abandoned.unparked().empty()) return {};
  *journal_.Add(now).mutable_abandoned() = abandoned;
  for (const std::uint64_t seq : abandoned.unparked()) {
    const DeliveryKey key{channel, {seq}};
    EndReplay(key, {.kind = store::ReplayOutcome::SKIPPED,
                    .reason = static_cast<v1::Reason>(abandoned.reason()),
                    .state = v1::DELIVERY_STATE_ABANDONED});
    sent_.Abandon(key);
    lane_.Remember(key, SettledAs::kAbandoned);
  }
  for (const SeqRun& run : runs.runs()) {
    feed(channel).Settle(run);
    sent_.Abandon(channel, run);
  }
  ready_.insert(channel);
  return runs;
}

// The client has what is in flight, and its answer decides.
SeqRuns ClientLedger::OwedAndNotInFlight(ChannelId channel, const SeqRuns& seqs) const {
  const auto found = feeds_.find(channel);
  if (found == feeds_.end()) return {};
  SeqRuns owed = Common(found->second.entry().UndeliveredRuns(found->second.last()), seqs);
  for (const std::uint64_t number : sent_.AllInFlight()) {
    const DeliveryKey& key = sent_.Find(number)->key;
    if (key.channel == channel) (void)owed.Remove({key.seq, key.seq});
  }
  return owed;
}

void ClientLedger::Dismissed(ChannelId channel, std::uint64_t count) {
  const auto found = feeds_.find(channel);
  if (found == feeds_.end()) return;  // the subscription ended meanwhile, and perhaps began anew
  for (; count > 0 && found->second.entry().parked() > 0; --count) found->second.Unpark();
}

void ClientLedger::RenewPolicies() {
  for (auto& [channel, feed] : feeds_) {
    feed.SetPolicy(policies_.For(feed.name()));
    ready_.insert(channel);
  }
}

RetrySchedule ClientLedger::ScheduleOf(ChannelId channel) {
  return {feed(channel).policy().retry, rng_};
}

void ClientLedger::Extend(ChannelId channel, Seq last) {
  const auto found = feeds_.find(channel);
  if (found == feeds_.end()) return;
  found->second.Extend(last);
  ready_.insert(channel);
}

void ClientLedger::WakeWaiting(Timestamp now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    ready_.insert(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
  }
}

bool ClientLedger::IsFull(ChannelId channel) const {
  if (sent_.in_flight() >= options_.window) return true;
  const auto found = feeds_.find(channel);
  return found != feeds_.end() && HasItsShare(sent_, channel, found->second);
}

std::optional<DeliveryKey> ClientLedger::FindNext(Timestamp now) {
  WakeWaiting(now);
  if (options_.paused || sent_.in_flight() >= options_.window) return std::nullopt;
  while (!ready_.empty()) {
    auto turn = ready_.upper_bound(last_turn_);
    if (turn == ready_.end()) turn = ready_.begin();
    if (IsForbidden(*turn)) {
      TellForbidden(*turn, now);
      ready_.erase(turn);
      continue;
    }
    const auto found = feeds_.find(*turn);
    const bool may_send = found != feeds_.end() && !HasItsShare(sent_, *turn, found->second);
    const auto next = may_send ? found->second.FindNext(now) : std::nullopt;
    if (next && next->due <= now) return DeliveryKey{*turn, next->seq};
    if (next) waiting_.insert({next->due, *turn});
    ready_.erase(turn);
  }
  return std::nullopt;
}

ClientLedger::Delivery ClientLedger::Send(const DeliveryKey& key, Timestamp published_at,
                                          Timestamp now) {
  last_turn_ = key.channel;
  const std::uint32_t attempt = feed(key.channel).Send(key.seq);
  const std::uint64_t number =
      sent_.Add({.key = key, .attempt = attempt, .published_at = published_at, .sent_at = now});
  return {number, attempt};
}

void ClientLedger::Written(const std::vector<std::uint64_t>& deliveries, Timestamp now) {
  StartDeadlines(deliveries, now);
}

void ClientLedger::StartDeadlines(const Numbers& numbers, Timestamp now) {
  for (const std::uint64_t number : numbers) {
    const AckWindow::Sent* sent = sent_.Find(number);
    if (sent == nullptr || sent->state != AckWindow::State::kInFlight) continue;
    sent_.SetDeadline(number, now + feed(sent->key.channel).policy().ack_wait);
  }
}

void ClientLedger::Abandon(const DeliveryKey& key, v1::Reason reason, Timestamp now) {
  last_turn_ = key.channel;
  journal_.AddAbandoned(key, reason, now);
  feed(key.channel).Settle(key.seq);
  EndReplay(key, {.kind = store::ReplayOutcome::SKIPPED,
                  .reason = reason,
                  .state = v1::DELIVERY_STATE_ABANDONED});
  sent_.Abandon(key);
  ready_.insert(key.channel);
}

void ClientLedger::Reject(const DeliveryKey& key, v1::Reason reason, const std::string& detail,
                          Timestamp now) {
  Park(key, reason, detail, now);
}

bool ClientLedger::Hold(const DeliveryKey& key) {
  const auto found = feeds_.find(key.channel);
  if (found == feeds_.end()) return false;  // the subscription ended meanwhile
  const bool first = !found->second.holds_any();
  found->second.Hold(key.seq);
  ready_.insert(key.channel);
  return first;
}

Status ClientLedger::Unknown(std::uint64_t number) const {
  return Error(StatusCode::kNotFound, "delivery " + std::to_string(number) +
                                          " was never sent in this session, whose last is " +
                                          std::to_string(sent_.last_number()));
}

Status ClientLedger::AckUpTo(std::uint64_t delivery, Timestamp now) {
  if (!sent_.WasSent(delivery)) return Unknown(delivery);
  for (const std::uint64_t number : sent_.CoveredUpTo(delivery)) Settle(number, now);
  return OkStatus();
}

Status ClientLedger::Ack(const std::vector<std::uint64_t>& deliveries, Timestamp now) {
  Status status;
  for (const std::uint64_t number : deliveries) {
    if (Status allowed = CheckAllowed(number); !allowed.ok()) {
      status = allowed;
      continue;
    }
    if (!sent_.WasSent(number)) status = Unknown(number);
    Settle(number, now);
  }
  return status;
}

void ClientLedger::Settle(std::uint64_t number, Timestamp now) {
  const AckWindow::Sent* sent = sent_.Find(number);
  if (sent == nullptr) return;  // settled already, perhaps under another number
  const DeliveryKey key = sent->key;
  if (sent->ended_as == SettledAs::kAbandoned) return sent_.ForgetAbandoned(key);
  const bool was_parked = sent->ended_as == SettledAs::kParked;
  if (sent->replay.value != 0) return SettleReplay(*sent);
  EndReplay(key, {.kind = store::ReplayOutcome::ACKED});
  // A resumed session may remember what was settled while it was away.
  const auto known = feeds_.find(key.channel);
  const bool owed =
      known != feeds_.end() &&
      (was_parked ? known->second.entry().parked() > 0 : !known->second.entry().IsSettled(key.seq));
  if (!owed) return sent_.Forget(key);
  journal_.AddAcked({*sent, was_parked, Overtaken(number), {}});
  ack_ages_.push_back(now - sent->published_at);
  if (was_parked) {
    feed(key.channel).Unpark();
    lane_.Remember(key, SettledAs::kAcked);
  } else {
    feed(key.channel).Settle(key.seq);
  }
  sent_.Forget(key);
  ready_.insert(key.channel);
  CountAcked();
}

void ClientLedger::CountAcked() {
  if (std::exchange(options_.disconnects, 0) > 0) journal_.EndDisconnects();
  ++acked_total_;
}

Status ClientLedger::Nack(const Refusal& refusal, Timestamp now) {
  Status status;
  Numbers failed;
  Numbers ended;
  for (const std::uint64_t number : refusal.deliveries) {
    if (!sent_.WasSent(number)) status = Unknown(number);
    const Status allowed = CheckAllowed(number);
    if (!allowed.ok()) status = allowed;
    const AckWindow::Sent* sent = sent_.Find(number);
    if (sent == nullptr || !allowed.ok()) continue;
    const bool repeated = sent_.MarkNacked(number);
    if (repeated && (!refusal.final || sent->ended_as)) continue;
    // It is about the delivery: what was sent again meanwhile is behind it in the client's queue,
    // and dropped with it.
    const auto in_flight = sent_.InFlight(sent->key);
    if (in_flight) failed.push_back(*in_flight);
    // A replay holds up nothing, but what was owed under this number did.
    const bool replayed = in_flight && sent_.Find(*in_flight)->replay.value != 0;
    if (!in_flight || (replayed && sent->replay.value == 0)) ended.push_back(number);
  }
  std::sort(failed.begin(), failed.end());
  failed.erase(std::unique(failed.begin(), failed.end()), failed.end());
  const v1::Reason reason = refusal.final ? v1::REASON_REJECTED : v1::REASON_NACK;
  const Numbers replays = TakeReplays(failed);
  if (!replays.empty()) FailReplays(replays, reason, refusal, now);
  if (!failed.empty()) FailCounted(failed, reason, refusal, now);
  for (const std::uint64_t number : ended) NackEnded(number, refusal, now);
  return status;
}

void ClientLedger::NackEnded(std::uint64_t number, const Refusal& refusal, Timestamp now) {
  const AckWindow::Sent* sent = sent_.Find(number);
  if (sent == nullptr) return;  // forgotten while others that the frame names were parked
  const DeliveryKey key = sent->key;
  const auto ended_as = sent->ended_as;
  if (sent->replay.value != 0) {
    sent_.Drop(key.channel, {key.seq, key.seq});  // and nothing behind it: it holds up nothing
    if (refusal.final && ended_as != SettledAs::kAbandoned) {
      EndReplay(key, {.kind = store::ReplayOutcome::FAILED, .reason = v1::REASON_REJECTED});
    }
    return;
  }
  Drop(key, now);
  // Its attempts ended before; the client's last word still holds.
  if (refusal.final && !ended_as)
    Park(key, v1::REASON_REJECTED, refusal.reason, now).set_late(true);
}

Status ClientLedger::Working(const std::vector<std::uint64_t>& deliveries, Timestamp now) {
  Status status;
  for (const std::uint64_t number : deliveries) {
    if (!sent_.WasSent(number)) status = Unknown(number);
  }
  StartDeadlines(deliveries, now);
  return status;
}

void ClientLedger::Tick(Timestamp now) {
  WakeWaiting(now);
  lane_.Wake(now);
  // Of an ordered channel only the oldest fails; those behind it are recalled with it.
  std::set<ChannelId> failing;
  Numbers failed;
  Numbers overdue = sent_.Overdue(now);
  const Numbers replays = TakeReplays(overdue);
  if (!replays.empty()) FailReplays(replays, v1::REASON_ACK_TIMEOUT, {}, now);
  for (const std::uint64_t number : overdue) {
    const ChannelId channel = sent_.Find(number)->key.channel;
    const bool first = failing.insert(channel).second;
    if (first || feed(channel).ordering() == Ordering::kUnordered) failed.push_back(number);
  }
  if (!failed.empty()) FailCounted(failed, v1::REASON_ACK_TIMEOUT, {}, now);
}

std::optional<Timestamp> ClientLedger::NextEvent() const {
  std::optional<Timestamp> next = sent_.NextDeadline();
  if (!waiting_.empty() && (!next || waiting_.begin()->first < *next)) {
    next = waiting_.begin()->first;
  }
  const std::optional<Timestamp> replay = lane_.NextDue();
  if (replay && (!next || *replay < *next)) next = replay;
  return next;
}

const ChannelFeed* ClientLedger::FindFeed(const std::string& channel) const {
  const auto found = by_name_.find(channel);
  return found == by_name_.end() ? nullptr : &feeds_.at(found->second);
}

std::uint64_t ClientLedger::undelivered() const {
  std::uint64_t total = 0;
  for (const auto& [id, feed] : feeds_) total += feed.undelivered();
  return total;
}

}  // namespace ackwire
