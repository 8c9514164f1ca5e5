// Randomness as a constructor parameter: seeded, so that a run can be repeated.
#pragma once

#include <cstdint>
#include <random>

namespace ackwire {

// Threads: one owner.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : engine_(seed) {}

  [[nodiscard]] std::uint64_t Next() { return engine_(); }

  // Uniform in [low, high).
  [[nodiscard]] double Between(double low, double high) {
    constexpr double kScale = 1.0 / 9007199254740992.0;  // 2^-53
    return low + (high - low) * static_cast<double>(Next() >> 11U) * kScale;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace ackwire
