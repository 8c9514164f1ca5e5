// TokenBucket lets through so much a second, and after a quiet while so much at once. KeyedBuckets
// has one for each of many callers.
//
// Threads: one owner, for both.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "store/types.h"

namespace ackwire {

class TokenBucket {
 public:
  // More than kRateMax is cut to that: it limits nothing.
  static constexpr std::int64_t kRateMax = std::int64_t{1} << 40U;
  struct Rate {
    std::uint64_t per_second = 0;
    std::uint64_t at_once = 0;  // 0: what is let through in a second
  };
  TokenBucket(const Rate& rate, Timestamp now);

  // Zero: it is taken. Else nothing is, and so long it takes until it can be. What is more than a
  // full bucket has is let through by a full one, and what follows waits the longer.
  [[nodiscard]] Duration Take(std::uint64_t count, Timestamp now);

  // True when nothing tells it from a new one.
  [[nodiscard]] bool IsFull(Timestamp now) const;

 private:
  [[nodiscard]] std::int64_t LevelAt(Timestamp now) const;

  std::int64_t per_second_;
  std::int64_t full_;   // in thousandths
  std::int64_t level_;  // likewise, at `at_`; below zero it owes
  Timestamp at_;
};

// Bounds: at most keys_max buckets. Where there is no room, those that are full are forgotten,
//         which changes nothing for their callers; and if that is not half of them, all are.
class KeyedBuckets {
 public:
  KeyedBuckets(std::uint64_t per_second, std::size_t keys_max)
      : per_second_(per_second), keys_max_(keys_max) {}

  [[nodiscard]] Duration Take(const std::string& key, Timestamp now);

  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  void MakeRoom(Timestamp now);

  const std::uint64_t per_second_;
  const std::size_t keys_max_;
  absl::flat_hash_map<std::string, TokenBucket> buckets_;
};

}  // namespace ackwire
