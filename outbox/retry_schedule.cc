#include "outbox/retry_schedule.h"

#include <algorithm>

namespace ackwire {

Duration RetrySchedule::DelayAfter(std::uint32_t failures, Duration at_least) {
  if (policy_.backoff.empty()) return at_least;
  const std::size_t last = policy_.backoff.size() - 1;
  const std::size_t index = std::min<std::size_t>(failures == 0 ? 0 : failures - 1, last);
  const auto base = static_cast<double>(policy_.backoff[index].count());
  const auto wait = static_cast<Duration::rep>(base * rng_.Between(1 - kJitter, 1 + kJitter));
  return std::max(Duration(wait), at_least);
}

}  // namespace ackwire
