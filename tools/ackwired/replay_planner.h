// ReplayPlanner finds out what a replay would deliver, a part at a time, and changes nothing: of
// what failed, what is parked and any of whose failures match; of a range, what is settled,
// whatever became of it. What is owed needs no replay, and is in no plan.
//
// Threads:  one at a time; Step blocks on disk.
// Lifetime: borrows both.
// Bounds:   a step is one of ParkedWalk, RangeWalk or ReplayMeasure.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "store/clock.h"
#include "store/status.h"
#include "store/store.h"
#include "tools/ackwired/parked_walk.h"
#include "tools/ackwired/range_walk.h"
#include "tools/ackwired/replay_measure.h"
#include "tools/ackwired/replay_plan.h"

namespace ackwire {

class ReplayPlanner {
 public:
  // REQUIRES: the request passes CheckPlan.
  ReplayPlanner(const Store& store, const Clock& clock, const v1::PlanReplayRequest& request);
  ReplayPlanner(const ReplayPlanner&) = delete;
  ReplayPlanner& operator=(const ReplayPlanner&) = delete;

  // True: that was the last.
  //   kNotFound           there is no such channel
  //   kResourceExhausted  it is more than a plan may be
  //   kDataLoss           something on the way is damaged
  [[nodiscard]] StatusOr<bool> Step();

  // What it came to. REQUIRES: the last step was taken, and this was not called before.
  [[nodiscard]] PlannedReplay Take(const std::function<bool(const std::string&)>& online);

 private:
  // True: nothing is left to add.
  [[nodiscard]] StatusOr<bool> AddParked();

  const Store& store_;
  const Clock& clock_;
  PlannedReplay planned_;
  std::optional<ParkedWalk> parked_;  // one of these two
  std::optional<RangeWalk> range_;
  std::optional<ReplayMeasure> measure_;  // once all is added
};

}  // namespace ackwire
