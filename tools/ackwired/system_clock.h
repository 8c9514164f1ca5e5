// The real clock, the real source of seeds, and which kernel is running.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <random>
#include <string>

#include "store/clock.h"

namespace ackwire {

// Wall time as it was when the process began, carried on by CLOCK_MONOTONIC: deadlines and the
// order of recorded times hold when the wall clock is set. A correction of the wall clock is
// therefore seen after the next start only.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp Now() const override {
    const auto since_start = std::chrono::steady_clock::now() - start_;
    return wall_at_start_ + std::chrono::floor<Duration>(since_start);
  }

 private:
  const Timestamp wall_at_start_ = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

[[nodiscard]] inline std::uint64_t RandomSeed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

[[nodiscard]] inline std::string BootId() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

}  // namespace ackwire
