#include "delivery/drain_plan.h"

#include <cmath>
#include <utility>

namespace ackwire {

DrainPlan::Action DrainPlan::At(const Moment& moment) {
  if (phase_ == Phase::kOver) return Action::kNone;
  const bool late = moment.since_begin >= times_.timeout;
  if (!late && moment.since_begin < times_.grace) return Action::kNone;
  if (late || moment.sessions == 0) {
    phase_ = Phase::kOver;
    return moment.sessions == 0 ? Action::kEnd : Action::kCutSessions;
  }
  const Phase before = std::exchange(phase_, Phase::kClosing);
  return before == Phase::kGrace ? Action::kCloseSessions : Action::kNone;
}

DrainMoments::Moment DrainMoments::Next() {
  // Whoever steps by these fills a square as evenly as can be: 1/g and 1/g², where g³ = g + 1.
  constexpr double kCloseStep = 0.7548776662466927;
  constexpr double kReconnectStep = 0.5698402909980532;
  const auto step = [this](double& place, double by) {
    place += by;
    place -= std::floor(place);
    return Duration(static_cast<Duration::rep>(place * static_cast<double>(spread_.count())));
  };
  const Duration close_after = step(close_, kCloseStep);
  return {.close_after = close_after, .reconnect_after = step(reconnect_, kReconnectStep)};
}

}  // namespace ackwire
