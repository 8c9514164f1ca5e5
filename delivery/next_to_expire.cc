#include "delivery/next_to_expire.h"

#include <iterator>
#include <utility>

namespace ackwire {

std::optional<std::string> NextToExpire::Take(Timestamp unseen_since) {
  if (next_.empty() || next_.begin()->first > unseen_since) return std::nullopt;
  return std::move(next_.extract(next_.begin()).mapped());
}

void NextToExpire::Begin(Timestamp now) {
  next_.clear();
  others_ = now;
  seen_ = 0;
}

void NextToExpire::Saw(const std::string& client, Timestamp at) {
  ++seen_;
  if (at >= others_) return;
  next_.emplace(at, client);
  if (next_.size() <= kNextToExpireMax) return;
  const auto last = std::prev(next_.end());
  others_ = last->first;
  next_.erase(last);
}

void NextToExpire::End() {
  if (seen_ > kManySubscribers || next_.empty()) return;
  others_ = next_.begin()->first;  // few are soon looked at
  next_.clear();
}

}  // namespace ackwire
