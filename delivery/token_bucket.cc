#include "delivery/token_bucket.h"

#include <algorithm>

namespace ackwire {
namespace {

// What one costs. A rate by the second is then as many a millisecond.
constexpr std::int64_t kOne = 1000;

std::int64_t Cut(std::uint64_t rate) {
  return static_cast<std::int64_t>(
      std::clamp<std::uint64_t>(rate, 1, static_cast<std::uint64_t>(TokenBucket::kRateMax)));
}

}  // namespace

TokenBucket::TokenBucket(const Rate& rate, Timestamp now)
    : per_second_(Cut(rate.per_second)),
      full_(Cut(rate.at_once == 0 ? rate.per_second : rate.at_once) * kOne),
      level_(full_),
      at_(now) {}

std::int64_t TokenBucket::LevelAt(Timestamp now) const {
  const std::int64_t until_full = (full_ - level_) / per_second_ + 1;
  const std::int64_t passed = std::max<std::int64_t>((now - at_).count(), 0);
  return passed >= until_full ? full_ : std::min(full_, level_ + passed * per_second_);
}

Duration TokenBucket::Take(std::uint64_t count, Timestamp now) {
  level_ = LevelAt(now);
  at_ = std::max(at_, now);
  const auto asked = static_cast<std::int64_t>(std::min<std::uint64_t>(count, kRateMax)) * kOne;
  const std::int64_t needed = std::min(asked, full_);
  if (level_ >= needed) {
    level_ -= asked;
    return Duration{};
  }
  return Duration{(needed - level_ + per_second_ - 1) / per_second_};
}

bool TokenBucket::IsFull(Timestamp now) const { return LevelAt(now) == full_; }

Duration KeyedBuckets::Take(const std::string& key, Timestamp now) {
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= keys_max_) MakeRoom(now);
    found = buckets_.emplace(key, TokenBucket({.per_second = per_second_}, now)).first;
  }
  return found->second.Take(1, now);
}

void KeyedBuckets::MakeRoom(Timestamp now) {
  absl::erase_if(buckets_, [now](const auto& each) { return each.second.IsFull(now); });
  if (buckets_.size() > keys_max_ / 2) buckets_.clear();
}

}  // namespace ackwire
