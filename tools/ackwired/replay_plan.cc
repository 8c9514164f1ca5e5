#include "tools/ackwired/replay_plan.h"

#include "store/proto_time.h"
#include "tools/ackwired/failure_view.h"

namespace ackwire {
namespace {

Status TooMuch(const char* what, std::size_t most) {
  return Error(StatusCode::kResourceExhausted,
               "selection: more than " + std::to_string(most) + " " + what +
                   "; plan a part of it: one channel, one client, or a shorter time");
}

Status CheckRange(const v1::RangeSelection& range) {
  if (range.channel().empty()) return InvalidArgument("selection.range.channel: name a channel");
  v1::FailureFilter same;
  same.set_client(range.client());
  same.set_channel(range.channel());
  *same.mutable_since() = range.since();
  *same.mutable_until() = range.until();
  if (Status status = CheckFilter(same); !status.ok()) {
    return InvalidArgument("selection.range." + MessageOf(status));
  }
  if (range.to_seq() != 0 && range.to_seq() < range.from_seq()) {
    return InvalidArgument("selection.range.to_seq: " + std::to_string(range.to_seq()) +
                           " is before from_seq, " + std::to_string(range.from_seq()));
  }
  return OkStatus();
}

}  // namespace

Status CheckSize(const PlannedReplay& planned) {
  if (planned.open.size() > kPlanPairsMax) {
    return TooMuch("clients and channels", kPlanPairsMax);
  }
  return planned.runs > kPlanRunsMax ? TooMuch("runs of deliveries", kPlanRunsMax) : OkStatus();
}

JournalWork StartOf(const PlannedReplay& planned, const ReplayStarter& starter, Timestamp now) {
  JournalWork work;
  work.events.reserve(planned.open.size() + 1);
  store::Event& first = work.events.emplace_back();
  first.set_at_ms(ToUnixMs(now));
  store::ReplayStarted& started = *first.mutable_replay_started();
  started.set_selection(planned.selection.SerializeAsString());
  started.set_note(starter.note);
  started.set_started_by(starter.started_by);
  started.set_rate_per_second(planned.rate_per_second);
  started.set_deliveries(planned.plan.deliveries());
  started.set_messages(planned.plan.messages());
  started.set_bytes(planned.plan.bytes());
  for (const auto& [pair, seqs] : planned.open) {
    store::Event& event = work.events.emplace_back();
    event.set_client(pair.first);
    event.set_at_ms(ToUnixMs(now));
    store::ReplayPinned& pinned = *event.mutable_replay_pinned();
    pinned.set_channel(pair.second.value);
    PackRuns(seqs, *pinned.mutable_runs());
  }
  return work;
}

Status CheckPlan(const v1::PlanReplayRequest& request) {
  const v1::ReplaySelection& selection = request.selection();
  if (selection.has_failed() == selection.has_range()) {
    return InvalidArgument("selection: give `failed` or `range`, one of the two");
  }
  if (request.rate_per_second() > kReplayRateMax) {
    return InvalidArgument("rate_per_second: at most " + std::to_string(kReplayRateMax));
  }
  if (selection.has_range()) return CheckRange(selection.range());
  const Status status = CheckFilter(selection.failed());
  return status.ok() ? status : InvalidArgument("selection.failed." + MessageOf(status));
}

}  // namespace ackwire
