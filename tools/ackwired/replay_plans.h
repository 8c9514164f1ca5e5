// ReplayPlans keeps what was planned until it is started: for an hour, in memory. A plan that was
// started is remembered for as long, so that who asks again is told of the same replay.
//
// Threads: any.
// Bounds:  kPlansMax plans, and kPlanRunsMax runs of them all; the oldest gives way. Of those that
//          did, kGaveWayMax tokens are known, so that who starts one is told why it is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "store/clock.h"
#include "store/rng.h"
#include "store/status.h"
#include "tools/ackwired/replay_plan.h"

namespace ackwire {

inline constexpr std::size_t kPlansMax = 64;
inline constexpr std::size_t kGaveWayMax = 1'000;
inline constexpr Duration kPlanValid{3'600'000};

class ReplayPlans {
 public:
  ReplayPlans(const Clock& clock, std::uint64_t seed) : clock_(clock), rng_(seed) {}

  // Sets its token and when it expires.
  [[nodiscard]] std::shared_ptr<const PlannedReplay> Keep(PlannedReplay planned);

  // What a token stands for: a plan that nobody else is given any more, or the replay that it
  // became. kNotFound for one that was never given, gave way, or no longer holds: it says which.
  struct Taken {
    std::shared_ptr<const PlannedReplay> planned;  // null: it was started
    ReplayId replay;
  };
  [[nodiscard]] StatusOr<Taken> Take(const std::string& token);
  // It was started; or could not be (zero), and may be taken again.
  void Started(const std::string& token, ReplayId replay);

 private:
  struct Entry {
    std::string token;
    Timestamp expires_at{};
    std::shared_ptr<const PlannedReplay> planned;
    std::size_t runs = 0;
    bool taken = false;
    ReplayId replay;
  };

  struct GaveWay {
    std::string token;
    Timestamp expires_at{};
  };

  void MakeRoom(std::size_t runs);
  [[nodiscard]] Entry* Find(const std::string& token);
  [[nodiscard]] Status NotThere(const std::string& token) const;

  const Clock& clock_;
  std::mutex mutex_;  // guards the rest
  Rng rng_;
  std::deque<Entry> entries_;  // oldest first, like the next
  std::deque<GaveWay> gave_way_;
};

}  // namespace ackwire
