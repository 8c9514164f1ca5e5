// ManualClock stands still until a test moves it.
#pragma once

#include <atomic>

#include "store/clock.h"

namespace ackwire {

// Threads: any.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp now = FromUnixMs(1'795'305'600'000)) : now_ms_(ToUnixMs(now)) {}

  [[nodiscard]] Timestamp Now() const override { return FromUnixMs(now_ms_); }
  void Advance(Duration by) { now_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace ackwire
