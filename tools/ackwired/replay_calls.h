// ReplayCalls is what AdminService does about replays: it plans them, starts what was planned, and
// shows and controls what was started.
//
// Threads:  any; nothing blocks. `done` comes once, on one of the server's threads.
// Lifetime: borrows what `deps` names; the callbacks end before it does.
#pragma once

#include <functional>
#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "store/status.h"
#include "tools/ackwired/replay_plans.h"
#include "tools/ackwired/services.h"
#include "tools/ackwired/steps.h"

namespace ackwire {

class ReplayCalls {
 public:
  explicit ReplayCalls(const ServiceDependencies& deps);

  template <typename Response>
  using Done = std::function<void(StatusOr<Response>)>;

  // The statuses of CheckPlan and ReplayPlanner::Step, and
  //   kCancelled  it is not wanted any more
  void Plan(const v1::PlanReplayRequest& request, const StillWanted& wanted,
            const Done<v1::ReplayPlan>& done);
  // Answered once it is on disk; asked again, it is the same replay.
  //   kNotFound            there is no such plan, or no longer
  //   kFailedPrecondition  it holds no delivery
  //   kResourceExhausted   the replays that go on have too much open already
  void Start(const v1::StartReplayRequest& request, const std::string& by,
             const Done<v1::Replay>& done);
  //   kNotFound  there is no such replay
  void Get(const v1::GetReplayRequest& request, const Done<v1::Replay>& done);
  // Newest first.
  void List(const v1::ListReplaysRequest& request, const Done<v1::ListReplaysResponse>& done);
  // Answered once it is on disk.
  //   kNotFound            there is no such replay
  //   kFailedPrecondition  it has ended
  void Control(const v1::ControlReplayRequest& request, const Done<v1::Replay>& done);

 private:
  [[nodiscard]] StatusOr<v1::Replay> Describe(ReplayId id) const;
  // Describes it, on the read pool.
  void Answer(ReplayId id, const Done<v1::Replay>& done);

  const ServiceDependencies deps_;
  ReplayPlans plans_;
};

}  // namespace ackwire
