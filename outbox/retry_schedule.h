// RetrySchedule decides when a failed delivery is tried again, and when no more.
//
// Threads: one owner (it draws from `rng`).
#pragma once

#include <cstdint>
#include <vector>

#include "store/rng.h"
#include "store/types.h"

namespace ackwire {

struct RetryPolicy {
  // Waits before attempt 2, 3, …; the last repeats. Empty: none.
  std::vector<Duration> backoff = {Duration(1'000), Duration(5'000), Duration(15'000),
                                   Duration(30'000)};
  std::uint32_t max_attempts = 6;
};

class RetrySchedule {
 public:
  // Clients that failed together must not all come back together.
  static constexpr double kJitter = 0.2;

  // Borrows both.
  RetrySchedule(const RetryPolicy& policy, Rng& rng) : policy_(policy), rng_(rng) {}
  RetrySchedule(RetryPolicy&& policy, Rng& rng) = delete;

  // The wait after a delivery has failed for the `failures`th time (from 1): the backoff, 20 % more
  // or less at random, or `at_least` if that is longer.
  [[nodiscard]] Duration DelayAfter(std::uint32_t failures, Duration at_least);

  // True when so many counted failures leave no further attempt.
  [[nodiscard]] bool Exhausted(std::uint32_t failures) const {
    return failures >= policy_.max_attempts;
  }

 private:
  const RetryPolicy& policy_;
  Rng& rng_;
};

}  // namespace ackwire
