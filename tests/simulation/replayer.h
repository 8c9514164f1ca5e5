// SimReplayer is whoever plans, starts and controls replays, as AdminService does.
#pragma once

#include <cstdint>

#include "tests/simulation/world.h"
#include "tools/ackwired/replay_plan.h"

namespace ackwire {

class SimReplayer {
 public:
  explicit SimReplayer(World& world) : world_(world) {}
  SimReplayer(const SimReplayer&) = delete;
  SimReplayer& operator=(const SimReplayer&) = delete;

  // From now on it acts every now and then; once all is calm it only has replays go on.
  void Begin();

 private:
  void Act();
  void Plan();
  [[nodiscard]] v1::PlanReplayRequest AnyRequest();
  void Start(const PlannedReplay& planned, std::uint64_t planned_at);
  void ControlSome();
  void GoOn();
  struct Change {
    v1::ControlReplayRequest::Action action = v1::ControlReplayRequest::ACTION_UNSPECIFIED;
    std::uint32_t rate_per_second = 0;
  };
  void Control(std::uint64_t replay, const Change& change);

  World& world_;
};

}  // namespace ackwire
