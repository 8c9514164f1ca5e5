// A planned replay: what it would deliver, and what is put on record when it starts.
//
// Threads: any.
// Bounds:  kPlanRunsMax and kPlanPairsMax; what would pass them is refused.
#pragma once

#include <cstddef>
#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "store/replay_table.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

inline constexpr std::size_t kPlanRunsMax = 2'000'000;  // of seqs that belong together
inline constexpr std::size_t kPlanPairsMax = 200'000;   // of clients and channels
inline constexpr std::uint32_t kReplayRateDefault = 1'000;
inline constexpr std::uint32_t kReplayRateMax = 1'000'000;

struct PlannedReplay {
  v1::ReplaySelection selection;
  std::uint32_t rate_per_second = kReplayRateDefault;
  v1::ReplayPlan plan;  // all but its token and when it expires
  ReplayTable::Open open;
  std::size_t runs = 0;  // in `open`
};

// What puts its start on record. Without `done`.
struct ReplayStarter {
  std::string note;
  std::string started_by;
};
[[nodiscard]] JournalWork StartOf(const PlannedReplay& planned, const ReplayStarter& starter,
                                  Timestamp now);

// Whether it may be so large.
//   kResourceExhausted  it is more than a plan may be
[[nodiscard]] Status CheckSize(const PlannedReplay& planned);

//   kInvalidArgument  nothing, or both, are selected; a name or a range is none; the rate is too
//                     high
[[nodiscard]] Status CheckPlan(const v1::PlanReplayRequest& request);

}  // namespace ackwire
