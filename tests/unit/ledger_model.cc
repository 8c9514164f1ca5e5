#include "tests/unit/ledger_model.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "store/check.h"

namespace ackwire {

void LedgerModel::Subscribe(ChannelId channel, Seq start, Seq last) {
  Channel& made = channels_[channel] = {.start = start};
  for (std::uint64_t seq = start.value; seq <= last.value; ++seq) made.messages[seq] = {};
}

void LedgerModel::Unsubscribe(ChannelId channel) {
  channels_.erase(channel);
  for (Sending& sending : sendings_) {
    if (sending.key.channel != channel) continue;
    sending.forgotten = true;
    sending.in_flight = false;
  }
}

void LedgerModel::Publish(ChannelId channel, std::uint64_t count) {
  Channel& grown = channels_.at(channel);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t next =
        grown.messages.empty() ? grown.start.value : grown.messages.rbegin()->first + 1;
    grown.messages[next] = {};
  }
}

const LedgerModel::Message& LedgerModel::Of(const DeliveryKey& key) const {
  return channels_.at(key.channel).messages.at(key.seq.value);
}

LedgerModel::Message& LedgerModel::Of(const DeliveryKey& key) {
  return channels_.at(key.channel).messages.at(key.seq.value);
}

LedgerModel::Sending* LedgerModel::Find(std::uint64_t number) {
  if (number == 0 || number > sendings_.size()) return nullptr;
  Sending& sending = sendings_[number - 1];
  const auto newer = std::count_if(
      sendings_.begin() + static_cast<std::ptrdiff_t>(number), sendings_.end(),
      [&](const Sending& other) { return !other.forgotten && other.key == sending.key; });
  const bool remembered = static_cast<std::size_t>(newer) < kNumbersRememberedMax;
  if (sending.forgotten || !remembered) return nullptr;
  return &sending;
}

std::optional<std::uint64_t> LedgerModel::NumberInFlight(const DeliveryKey& key) const {
  for (std::uint64_t number = sendings_.size(); number > 0; --number) {
    const Sending& sending = sendings_[number - 1];
    if (sending.key == key && sending.in_flight) return number;
  }
  return std::nullopt;
}

std::uint32_t LedgerModel::Send(const DeliveryKey& key) {
  sendings_.push_back({.key = key});
  return ++Of(key).sendings;
}

void LedgerModel::Written(std::uint64_t number, Timestamp now) {
  Sending* sending = Find(number);
  if (sending != nullptr && sending->in_flight) sending->deadline = now + policy_.ack_wait;
}

void LedgerModel::Settle(const DeliveryKey& key, State state) {
  Of(key).state = state;
  for (Sending& sending : sendings_) {
    if (sending.key != key) continue;
    sending.in_flight = false;
    if (state == State::kAcked) sending.forgotten = true;
  }
}

std::uint64_t LedgerModel::Remove(ChannelId channel, SeqRun seqs) {
  std::uint64_t removed = 0;
  for (const auto& [seq, message] : channels_.at(channel).messages) {
    const DeliveryKey key{channel, {seq}};
    const bool meant = seqs.first <= key.seq && key.seq <= seqs.last;
    if (!meant || message.state != State::kOwed || NumberInFlight(key)) continue;
    Abandon(key);
    ++removed;
  }
  return removed;
}

void LedgerModel::Forget(const DeliveryKey& key) {
  for (Sending& sending : sendings_) sending.forgotten |= sending.key == key;
}

void LedgerModel::Ack(std::uint64_t number) {
  const Sending* sending = Find(number);
  if (sending == nullptr) return;
  const DeliveryKey key = sending->key;
  if (Of(key).state == State::kAbandoned) return Forget(key);
  Settle(key, State::kAcked);
  disconnects_ = 0;
}

void LedgerModel::AckUpTo(std::uint64_t number) {
  for (std::uint64_t each = 1; each <= number; ++each) {
    const Sending* sending = Find(each);
    if (sending != nullptr && !sending->dropped) Ack(each);
  }
}

void LedgerModel::Fail(std::uint64_t number, const Failure& how, Timestamp now) {
  Sending& sending = sendings_[number - 1];
  CHECK(sending.in_flight, "the model fails what is in flight");
  sending.in_flight = false;
  sending.dropped = how.dropped;
  Message& message = Of(sending.key);
  message.failed = message.sendings;
  message.due_min = message.due_max = how.dropped ? now + kPauseAfterNack : now;
  if (!how.counted) return;
  const auto& backoff = policy_.retry.backoff;
  const Duration wait = backoff[std::min<std::size_t>(message.counted, backoff.size() - 1)];
  message.due_min = now + std::max(how.delay, wait * 8 / 10 - Duration(1));
  message.due_max = now + std::max(how.delay, wait * 12 / 10);
  ++message.counted;
}

void LedgerModel::Recall(const DeliveryKey& failed, bool dropped, Timestamp now) {
  const bool ordered = policy_.ordering == Ordering::kOrdered;
  for (std::uint64_t number = 1; number <= sendings_.size(); ++number) {
    Sending& sending = sendings_[number - 1];
    if (sending.key.channel != failed.channel || sending.key.seq < failed.seq) continue;
    const bool behind = sending.key.seq > failed.seq;
    if (behind && !ordered) continue;
    if (behind && sending.in_flight) Fail(number, {.dropped = dropped}, now);
    if (dropped && !sending.in_flight) sending.dropped = true;
  }
}

void LedgerModel::FailCounted(const std::set<std::uint64_t>& numbers, const Failure& how,
                              bool final, Timestamp now) {
  std::set<DeliveryKey> keys;
  for (const std::uint64_t number : numbers) {
    Fail(number, how, now);
    keys.insert(sendings_[number - 1].key);
  }
  for (const DeliveryKey& key : keys) Recall(key, how.dropped, now);
  for (const DeliveryKey& key : keys) {
    if (final || Of(key).counted >= policy_.retry.max_attempts) Park(key);
  }
}

void LedgerModel::Nack(const std::vector<std::uint64_t>& numbers, Duration delay, bool final,
                       Timestamp now) {
  std::set<std::uint64_t> failed;
  std::vector<DeliveryKey> ended;
  for (const std::uint64_t number : numbers) {
    Sending* sending = Find(number);
    if (sending == nullptr) continue;
    const bool comes_no_more = Of(sending->key).state != State::kOwed;
    if (std::exchange(sending->nacked, true) && (!final || comes_no_more)) continue;
    const auto in_flight = NumberInFlight(sending->key);
    if (in_flight) failed.insert(*in_flight);
    if (!in_flight) ended.push_back(sending->key);
  }
  FailCounted(failed, {.counted = true, .dropped = true, .delay = delay}, final, now);
  for (const DeliveryKey& key : ended) {
    Recall(key, true, now);
    if (final && Of(key).state == State::kOwed) Park(key);
  }
}

void LedgerModel::Working(const std::vector<std::uint64_t>& numbers, Timestamp now) {
  for (const std::uint64_t number : numbers) Written(number, now);
}

void LedgerModel::Tick(Timestamp now) {
  std::set<std::uint64_t> failed;
  std::set<ChannelId> failing;
  for (const std::uint64_t number : InFlight()) {
    const Sending& sending = sendings_[number - 1];
    if (!sending.deadline || *sending.deadline > now) continue;
    const bool first = failing.insert(sending.key.channel).second;
    if (first || policy_.ordering == Ordering::kUnordered) failed.insert(number);
  }
  FailCounted(failed, {.counted = true}, false, now);
}

void LedgerModel::Close(bool counts, Timestamp now) {
  const std::vector<std::uint64_t> in_flight = InFlight();
  for (const std::uint64_t number : in_flight) {
    Fail(number, {}, now);
    sendings_[number - 1].cut = true;
  }
  if (in_flight.empty() || !counts) return;
  if (++disconnects_ < policy_.max_disconnects) return;
  Park(DeliveryKey(sendings_[in_flight.front() - 1].key));
  disconnects_ = 0;
}

void LedgerModel::Resume(std::uint64_t number) {
  AckUpTo(number);
  for (Sending& sending : sendings_) sending.dropped = true;
}

void LedgerModel::GoOn(std::uint64_t number, Timestamp now) {
  for (std::uint64_t each = 1; each <= sendings_.size(); ++each) {
    Sending& sending = sendings_[each - 1];
    if (each > number) {
      sending.dropped = true;
    } else if (std::exchange(sending.cut, false) && !sending.forgotten && !sending.dropped &&
               Of(sending.key).state == State::kOwed) {
      sending.in_flight = true;
      if (!sending.deadline) sending.deadline = now + policy_.ack_wait;
    }
  }
}

bool LedgerModel::IsEligible(const DeliveryKey& key, const LedgerEntry& entry,
                             Timestamp now) const {
  if (Of(key).state != State::kOwed || NumberInFlight(key)) return false;
  const auto retry = entry.retries().find(key.seq);
  if (retry != entry.retries().end() && retry->second.due > now) return false;
  if (policy_.ordering == Ordering::kUnordered) return true;
  for (const auto& [seq, message] : channels_.at(key.channel).messages) {
    if (seq >= key.seq.value) return true;
    if (message.state != State::kOwed) continue;
    // What was not sent yet goes first; what failed holds back all behind it.
    if (message.counted > 0 || !NumberInFlight({key.channel, Seq{seq}})) return false;
  }
  return true;
}

bool LedgerModel::HasEligible(ChannelId channel, const LedgerEntry& entry, Timestamp now) const {
  const auto& messages = channels_.at(channel).messages;
  return std::any_of(messages.begin(), messages.end(), [&](const auto& each) {
    return IsEligible({channel, Seq{each.first}}, entry, now);
  });
}

std::string LedgerModel::Difference(ChannelId channel, const LedgerEntry& entry) const {
  std::ostringstream out;
  const Channel& owed = channels_.at(channel);
  std::uint64_t floor = owed.start.value - 1;
  std::uint64_t parked = 0;
  std::size_t retries = 0;
  for (const auto& [seq, message] : owed.messages) {
    const bool settled = message.state != State::kOwed;
    if (settled && floor + 1 == seq) ++floor;
    if (message.state == State::kParked) ++parked;
    if (settled != entry.IsSettled(Seq{seq})) out << seq << " settled: " << settled << "\n";
    const auto retry = entry.retries().find(Seq{seq});
    const bool retried = retry != entry.retries().end();
    if (retried != (!settled && message.failed > 0)) out << seq << " retried: " << retried << "\n";
    if (!retried) continue;
    ++retries;
    const Retry& found = retry->second;
    if (found.attempts != message.failed || found.counted != message.counted ||
        found.due < message.due_min || found.due > message.due_max) {
      out << seq << " attempts " << found.attempts << " (" << message.failed << "), counted "
          << found.counted << " (" << message.counted << "), due " << ToUnixMs(found.due) << " ("
          << ToUnixMs(message.due_min) << " to " << ToUnixMs(message.due_max) << ")\n";
    }
  }
  if (entry.floor().value != floor)
    out << "floor " << entry.floor().value << " (" << floor << ")\n";
  if (entry.parked() != parked) out << "parked " << entry.parked() << " (" << parked << ")\n";
  if (entry.retries().size() != retries) out << "retries of what is not owed\n";
  return out.str();
}

std::vector<std::uint64_t> LedgerModel::InFlight() const {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 1; number <= sendings_.size(); ++number) {
    if (sendings_[number - 1].in_flight) numbers.push_back(number);
  }
  return numbers;
}

std::uint64_t LedgerModel::Undelivered() const {
  std::uint64_t total = 0;
  for (const auto& [id, channel] : channels_) {
    for (const auto& [seq, message] : channel.messages) total += message.state == State::kOwed;
  }
  return total;
}

std::vector<Seq> LedgerModel::Parked(ChannelId channel) const {
  std::vector<Seq> parked;
  for (const auto& [seq, message] : channels_.at(channel).messages) {
    if (message.state == State::kParked) parked.push_back(Seq{seq});
  }
  return parked;
}

}  // namespace ackwire
