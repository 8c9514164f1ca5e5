#include "delivery/ack_window.h"

#include <algorithm>

#include "store/check.h"

namespace ackwire {

std::uint64_t AckWindow::Add(const Sent& sent) {
  const std::uint64_t number = ++last_number_;
  sent_[number] = sent;
  ++in_flight_;
  if (sent.replay.value == 0) ++owed_in_flight_[sent.key.channel];
  std::set<std::uint64_t>& numbers = numbers_[sent.key];
  numbers.insert(number);
  if (numbers.size() > kNumbersRememberedMax) {
    Erase(*numbers.begin());
    numbers.erase(numbers.begin());
  }
  return number;
}

void AckWindow::SetDeadline(std::uint64_t number, Timestamp deadline) {
  const auto found = sent_.find(number);
  if (found == sent_.end() || found->second.state != State::kInFlight) return;
  if (found->second.deadline) deadlines_.erase({*found->second.deadline, number});
  found->second.deadline = deadline;
  deadlines_.insert({deadline, number});
}

void AckWindow::End(std::uint64_t number, State state) {
  Sent& sent = sent_.at(number);
  CHECK(sent.state == State::kInFlight, "an attempt ends once");
  if (sent.deadline) deadlines_.erase({*sent.deadline, number});
  sent.state = state;
  sent.went_on = false;
  --in_flight_;
  if (sent.replay.value != 0) return;
  const auto owed = owed_in_flight_.find(sent.key.channel);
  if (--owed->second == 0) owed_in_flight_.erase(owed);
}

void AckWindow::GoOn(std::uint64_t number) {
  Sent& sent = sent_.at(number);
  CHECK(sent.cut && sent.state == State::kLate, "what goes on was cut");
  sent.state = State::kInFlight;
  sent.cut = false;
  sent.went_on = true;
  if (sent.deadline) deadlines_.insert({*sent.deadline, number});
  ++in_flight_;
  ++owed_in_flight_[sent.key.channel];
}

void AckWindow::Erase(std::uint64_t number) {
  const auto found = sent_.find(number);
  if (found->second.state == State::kInFlight) End(number, State::kLate);
  if (found->second.ended_as) ended_.erase({number, found->second.key});
  sent_.erase(found);
}

void AckWindow::Forget(const DeliveryKey& key) {
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return;
  for (const std::uint64_t number : found->second) Erase(number);
  numbers_.erase(found);
}

void AckWindow::ForgetAbandoned(const DeliveryKey& key) {
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return;
  std::set<std::uint64_t>& numbers = found->second;
  for (auto at = numbers.begin(); at != numbers.end();) {
    if (sent_.at(*at).ended_as != SettledAs::kAbandoned) {
      ++at;
      continue;
    }
    Erase(*at);
    at = numbers.erase(at);
  }
  if (numbers.empty()) numbers_.erase(found);
}

void AckWindow::Abandon(ChannelId channel, SeqRun seqs) {
  std::vector<DeliveryKey> known;
  for (auto at = numbers_.lower_bound({channel, seqs.first});
       at != numbers_.end() && at->first <= DeliveryKey{channel, seqs.last}; ++at) {
    known.push_back(at->first);
  }
  for (const DeliveryKey& key : known) Abandon(key);
}

void AckWindow::EndAs(SettledAs what, const DeliveryKey& key) {
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return;
  for (const std::uint64_t number : found->second) {
    Sent& sent = sent_.at(number);
    if (sent.state == State::kInFlight) End(number, State::kLate);
    // What was abandoned stays so when a replay of it fails.
    if (sent.ended_as != SettledAs::kAbandoned) sent.ended_as = what;
  }
  ended_.insert({*found->second.rbegin(), key});
  if (ended_.size() <= kEndedRememberedMax) return;
  // A replay may have it in flight.
  const auto oldest = std::find_if(ended_.begin(), ended_.end(), [this](const auto& each) {
    return !InFlight(each.second).has_value();
  });
  if (oldest != ended_.end()) Forget(DeliveryKey(oldest->second));
}

void AckWindow::Forget(ChannelId channel) {
  auto at = numbers_.lower_bound({channel, Seq{}});
  while (at != numbers_.end() && at->first.channel == channel) {
    for (const std::uint64_t number : at->second) Erase(number);
    at = numbers_.erase(at);
  }
}

void AckWindow::Drop(ChannelId channel, SeqRun seqs) {
  for (auto at = numbers_.lower_bound({channel, seqs.first});
       at != numbers_.end() && at->first <= DeliveryKey{channel, seqs.last}; ++at) {
    for (const std::uint64_t number : at->second) {
      Sent& sent = sent_.at(number);
      if (sent.state == State::kLate) sent.state = State::kDropped;
    }
  }
}

void AckWindow::DropBeyond(std::uint64_t number) {
  for (auto at = sent_.upper_bound(number); at != sent_.end(); ++at) {
    CHECK(at->second.state != State::kInFlight, "nothing is in flight that was not sent anew");
    if (at->second.state == State::kLate) at->second.state = State::kDropped;
  }
}

std::vector<std::uint64_t> AckWindow::CoveredUpTo(std::uint64_t number) const {
  std::vector<std::uint64_t> covered;
  for (const auto& [each, sent] : sent_) {
    if (each > number) break;
    if (sent.state != State::kDropped) covered.push_back(each);
  }
  return covered;
}

const AckWindow::Sent* AckWindow::Find(std::uint64_t number) const {
  const auto found = sent_.find(number);
  return found == sent_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> AckWindow::InFlight(const DeliveryKey& key) const {
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return std::nullopt;
  const std::uint64_t newest = *found->second.rbegin();
  if (sent_.at(newest).state != State::kInFlight) return std::nullopt;
  return newest;
}

std::vector<std::uint64_t> AckWindow::FindCut(std::uint64_t number) const {
  std::vector<std::uint64_t> cut;
  for (const auto& [each, sent] : sent_) {
    if (each > number) break;
    const bool late = sent.cut && sent.state == State::kLate && !sent.ended_as;
    const bool newest = *numbers_.at(sent.key).rbegin() == each;
    if (late && newest && sent.replay.value == 0) cut.push_back(each);
  }
  return cut;
}

// From the newest on: what is kept of what was refused and parked is older, and may be thousands.
std::vector<std::uint64_t> AckWindow::AllInFlight() const {
  std::vector<std::uint64_t> numbers;
  for (auto at = sent_.rbegin(); at != sent_.rend() && numbers.size() < in_flight_; ++at) {
    if (at->second.state == State::kInFlight) numbers.push_back(at->first);
  }
  std::reverse(numbers.begin(), numbers.end());
  return numbers;
}

std::vector<std::uint64_t> AckWindow::Overdue(Timestamp now) const {
  std::set<std::uint64_t> numbers;
  for (const auto& [deadline, number] : deadlines_) {
    if (deadline > now) break;
    numbers.insert(number);
  }
  return {numbers.begin(), numbers.end()};
}

std::optional<Timestamp> AckWindow::NextDeadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace ackwire
