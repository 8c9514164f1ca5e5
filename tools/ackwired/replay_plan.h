// ReplayPlanner finds out what a replay would deliver, and changes nothing: of what failed, what is
// parked and any of whose failures match; of a range, what is settled, whatever became of it. What
// is owed needs no replay, and is in no plan.
//
// Threads:  any; blocks on disk.
// Lifetime: borrows both.
// Bounds:   kPlanRunsMax and kPlanPairsMax; what would pass them is refused.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "store/clock.h"
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

//   kInvalidArgument  nothing, or both, are selected; a name or a range is none; the rate is too
//                     high
[[nodiscard]] Status CheckPlan(const v1::PlanReplayRequest& request);

class ReplayPlanner {
 public:
  ReplayPlanner(const Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // REQUIRES: the request passes CheckPlan.
  //   kNotFound           there is no such channel, or no such client in it
  //   kResourceExhausted  it is more than a plan may be
  //   kDataLoss           something on the way is damaged
  [[nodiscard]] StatusOr<PlannedReplay> Plan(
      const v1::PlanReplayRequest& request,
      const std::function<bool(const std::string&)>& online) const;

 private:
  [[nodiscard]] Status AddFailed(const v1::FailureFilter& filter, PlannedReplay& planned) const;
  [[nodiscard]] Status AddRange(const v1::RangeSelection& range, PlannedReplay& planned) const;
  [[nodiscard]] Status AddChannel(const ChannelInfo& channel, const v1::RangeSelection& range,
                                  PlannedReplay& planned) const;
  struct Part {
    ChannelId channel;
    SeqRun seqs;
  };
  [[nodiscard]] Status AddClient(const std::string& client, const Part& part, bool include_acked,
                                 PlannedReplay& planned) const;
  // The seqs that the range names; none when it is empty.
  [[nodiscard]] StatusOr<SeqRun> SeqsOf(const ChannelInfo& channel,
                                        const v1::RangeSelection& range) const;
  // The lowest seq that was published at `time` or later; one behind the last when none was.
  [[nodiscard]] StatusOr<Seq> FirstSince(const ChannelInfo& channel, Timestamp time) const;
  // Takes out what is no longer stored, and adds up the rest.
  [[nodiscard]] Status Measure(PlannedReplay& planned) const;
  // What goes to the clients of one channel.
  using ChannelOpen = std::vector<SeqRuns*>;
  [[nodiscard]] Status MeasureChannel(ChannelId channel, const ChannelOpen& open,
                                      v1::ReplayPlan& plan) const;

  const Store& store_;
  const Clock& clock_;
};

}  // namespace ackwire
