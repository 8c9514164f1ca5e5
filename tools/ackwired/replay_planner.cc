#include "tools/ackwired/replay_planner.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <set>
#include <utility>

namespace ackwire {

ReplayPlanner::ReplayPlanner(const Store& store, const Clock& clock,
                             const v1::PlanReplayRequest& request)
    : store_(store), clock_(clock) {
  planned_.selection = request.selection();
  if (request.rate_per_second() != 0) planned_.rate_per_second = request.rate_per_second();
  if (request.selection().has_failed()) {
    parked_.emplace(store, clock, request.selection().failed());
  } else {
    range_.emplace(store, request.selection().range());
  }
}

StatusOr<bool> ReplayPlanner::Step() {
  if (measure_) return measure_->Step();
  const StatusOr<bool> all = parked_ ? AddParked() : range_->Step(planned_);
  if (!all.ok()) return all.status();
  if (*all) measure_.emplace(store_, planned_, clock_.Now());
  return false;
}

StatusOr<bool> ReplayPlanner::AddParked() {
  const auto part = parked_->Next();
  if (!part.ok()) return part.status();
  if (!part->has_value()) return true;
  for (const auto& [pair, seqs] : **part) {
    SeqRuns& open = planned_.open[pair];
    planned_.runs -= open.runs().size();
    for (const SeqRun& run : seqs.runs()) open.Add(run);
    planned_.runs += open.runs().size();
  }
  if (Status status = CheckSize(planned_); !status.ok()) return status;
  return false;
}

PlannedReplay ReplayPlanner::Take(const std::function<bool(const std::string&)>& online) {
  std::set<std::string> clients;
  for (const auto& [pair, seqs] : planned_.open) clients.insert(pair.first);
  v1::ReplayPlan& plan = planned_.plan;
  plan.set_clients(clients.size());
  plan.set_offline_clients(static_cast<std::uint64_t>(std::count_if(
      clients.begin(), clients.end(), [&](const auto& each) { return !online(each); })));
  const auto milliseconds = plan.deliveries() * 1000 / planned_.rate_per_second;
  *plan.mutable_estimated() = google::protobuf::util::TimeUtil::MillisecondsToDuration(
      static_cast<std::int64_t>(milliseconds));
  return std::move(planned_);
}

}  // namespace ackwire
