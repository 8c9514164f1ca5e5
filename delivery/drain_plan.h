// What a drain does and when, without doing it: DrainPlan for the server, DrainMoments for its
// sessions.
//
// Threads: one owner.
#pragma once

#include <cstddef>

#include "store/rng.h"
#include "store/types.h"

namespace ackwire {

// The values of --drain-grace, --drain-spread and --drain-timeout.
struct DrainTimes {
  Duration grace{25'000};    // what a load balancer needs to notice
  Duration spread{20'000};   // sessions are closed within it, and clients come again within it
  Duration timeout{60'000};  // of the whole drain

  // False: the sessions whose moment is behind the timeout are all closed at that.
  [[nodiscard]] bool fit() const { return grace + spread < timeout; }
};

class DrainPlan {
 public:
  enum class Action {
    kNone,
    kCloseSessions,  // no new ones are taken, and each that there is gets its moment
    kCutSessions,    // those that are left are closed now; then it is over
    kEnd,            // it is over: nothing is left to wait for
  };

  explicit DrainPlan(const DrainTimes& times) : times_(times) {}

  // What is to be done now. To be asked when the grace is over, when the timeout is, and whenever
  // the last session may have ended.
  struct Moment {
    Duration since_begin{};
    std::size_t sessions = 0;  // that there are
  };
  [[nodiscard]] Action At(const Moment& moment);

  [[nodiscard]] const DrainTimes& times() const { return times_; }

 private:
  enum class Phase { kGrace, kClosing, kOver };

  const DrainTimes times_;
  Phase phase_ = Phase::kGrace;
};

// When a session is closed, and how much later its client comes again: each at random within the
// spread. They lie evenly, one by one and in pairs. Dice thrown for each session alone would give
// some second half as much again as its share.
class DrainMoments {
 public:
  struct Moment {
    Duration close_after{};      // from the end of the grace
    Duration reconnect_after{};  // from the close
  };

  DrainMoments(Duration spread, Rng& rng)
      : spread_(spread), close_(rng.Between(0, 1)), reconnect_(rng.Between(0, 1)) {}

  [[nodiscard]] Moment Next();

 private:
  const Duration spread_;
  double close_;      // part of the spread
  double reconnect_;  // likewise
};

}  // namespace ackwire
