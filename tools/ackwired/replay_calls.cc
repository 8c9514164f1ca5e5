#include "tools/ackwired/replay_calls.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "delivery/replay_name.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "tools/ackwired/paging.h"
#include "tools/ackwired/replay_planner.h"

namespace ackwire {
namespace {

std::optional<ReplayInfo> Find(const Store& store, ReplayId id) {
  return store.derived().Read([id](const DerivedView& view) {
    const ReplayInfo* found = view.replays.Find(id);
    return found == nullptr ? std::nullopt : std::optional(*found);
  });
}

StatusOr<ReplayInfo> FindNamed(const Store& store, const std::string& name) {
  const std::optional<ReplayId> id = ParseReplayName(name);
  if (!id) return InvalidArgument("id: \"" + name + "\" is no replay's id, which begins with r-");
  std::optional<ReplayInfo> info = Find(store, *id);
  if (!info) {
    return Error(StatusCode::kNotFound, "id: there is no replay " + name +
                                            "; ListReplays (`ackctl replay list`) names them all");
  }
  return *std::move(info);
}

v1::ReplayState StateOf(const ReplayInfo& info, const DeliveryServer::ReplayActivity& activity) {
  if (info.cancelled) return v1::REPLAY_STATE_CANCELLED;
  if (info.ended_at) return v1::REPLAY_STATE_DONE;
  if (info.paused) return v1::REPLAY_STATE_PAUSED;
  return activity.waiting ? v1::REPLAY_STATE_WAITING : v1::REPLAY_STATE_RUNNING;
}

v1::Replay Describe(const ReplayInfo& info, const DeliveryServer::ReplayActivity& activity) {
  v1::Replay out;
  out.set_id(NameOf(info.id));
  out.set_state(StateOf(info, activity));
  out.set_total(info.started.deliveries());
  out.set_sent(info.acked + info.failed + activity.with_clients);
  out.set_acked(info.acked);
  out.set_failed(info.failed);
  SetTime(*out.mutable_started_at(), info.started_at);
  if (info.ended_at) SetTime(*out.mutable_ended_at(), *info.ended_at);
  out.set_note(info.started.note());
  out.set_started_by(info.started.started_by());
  out.mutable_selection()->ParseFromString(info.started.selection());
  for (const auto& [why, count] : info.skipped) {
    v1::SkippedCount& skipped = *out.add_skipped();
    skipped.set_reason(static_cast<v1::Reason>(why.first));
    skipped.set_state(static_cast<v1::DeliveryState>(why.second));
    skipped.set_count(count);
  }
  out.set_waiting_offline(activity.offline);
  out.set_rate_per_second(info.rate_per_second);
  return out;
}

Status CheckAction(const v1::ControlReplayRequest& request) {
  if (!v1::ControlReplayRequest::Action_IsValid(request.action()) ||
      request.action() == v1::ControlReplayRequest::ACTION_UNSPECIFIED) {
    return InvalidArgument("action: give PAUSE, RESUME, CANCEL or SET_RATE");
  }
  if (request.action() != v1::ControlReplayRequest::SET_RATE) return OkStatus();
  const std::uint32_t rate = request.rate_per_second();
  if (rate >= 1 && rate <= kReplayRateMax) return OkStatus();
  return InvalidArgument("rate_per_second: from 1 to " + std::to_string(kReplayRateMax) + ", got " +
                         std::to_string(rate));
}

}  // namespace

ReplayCalls::ReplayCalls(const ServiceDependencies& deps)
    : deps_(deps), plans_(deps.clock, std::random_device{}()) {}

void ReplayCalls::Plan(const v1::PlanReplayRequest& request, const StillWanted& wanted,
                       const Done<v1::ReplayPlan>& done) {
  if (Status status = CheckPlan(request); !status.ok()) return done(status);
  deps_.delivery.AskSessions([=, this](DeliveryServer::LiveSessions sessions) {
    const auto planner = std::make_shared<ReplayPlanner>(deps_.store, deps_.clock, request);
    auto answer = [=, this, sessions = std::move(sessions)](const Status& status) {
      if (!status.ok()) return done(status);
      PlannedReplay planned = planner->Take(
          [&sessions](const std::string& client) { return sessions.contains(client); });
      done(plans_.Keep(std::move(planned))->plan);
    };
    RunSteps(deps_.delivery, {.step = [planner] { return planner->Step(); },
                              .wanted = wanted,
                              .done = std::move(answer)});
  });
}

void ReplayCalls::Start(const v1::StartReplayRequest& request, const std::string& by,
                        const Done<v1::Replay>& done) {
  if (Status status = CheckNote("note", request.note()); !status.ok()) return done(status);
  const StatusOr<ReplayPlans::Taken> taken = plans_.Take(request.plan());
  if (!taken.ok()) return done(taken.status());
  if (taken->planned == nullptr) return Answer(taken->replay, done);
  const PlannedReplay& planned = *taken->planned;
  const auto refuse = [&](StatusCode code, const std::string& why) {
    plans_.Started(request.plan(), {});
    done(Error(code, why));
  };
  if (planned.open.empty()) {
    return refuse(StatusCode::kFailedPrecondition,
                  "plan: it holds no delivery, so there is nothing to start");
  }
  const std::size_t open_runs =
      deps_.store.derived().Read([](const DerivedView& view) { return view.replays.open_runs(); });
  if (open_runs + planned.runs > kReplayRunsMax) {
    return refuse(StatusCode::kResourceExhausted,
                  "plan: with the replays that go on, more than " + std::to_string(kReplayRunsMax) +
                      " runs of deliveries would be open; wait for one of them, or cancel it");
  }
  JournalWork work =
      StartOf(planned, {.note = request.note(), .started_by = by}, deps_.clock.Now());
  work.done = [this, token = request.plan(), done](const StatusOr<Recorded>& recorded) {
    plans_.Started(token, recorded.ok() ? recorded->replay : ReplayId{});
    if (!recorded.ok()) return done(recorded.status());
    Answer(recorded->replay, done);
  };
  deps_.store.Submit(std::move(work));
}

void ReplayCalls::Answer(ReplayId id, const Done<v1::Replay>& done) {
  deps_.delivery.Read([this, id, done] { done(Describe(id)); });
}

StatusOr<v1::Replay> ReplayCalls::Describe(ReplayId id) const {
  const std::optional<ReplayInfo> info = Find(deps_.store, id);
  if (!info) return Error(StatusCode::kNotFound, "id: there is no replay " + NameOf(id));
  return ackwire::Describe(*info, deps_.delivery.ActivityOf(id));
}

void ReplayCalls::Get(const v1::GetReplayRequest& request, const Done<v1::Replay>& done) {
  const StatusOr<ReplayInfo> info = FindNamed(deps_.store, request.id());
  if (!info.ok()) return done(info.status());
  Answer(info->id, done);
}

void ReplayCalls::List(const v1::ListReplaysRequest& request,
                       const Done<v1::ListReplaysResponse>& done) {
  const StatusOr<PageQuery> page = ParsePage(request.page_size(), request.page_token());
  if (!page.ok()) return done(page.status());
  ReplayId before{UINT64_MAX};
  if (!page->after.empty() && !absl::SimpleAtoi(page->after, &before.value)) {
    return done(BadPageToken());
  }
  deps_.delivery.Read([this, size = page->size, before, done] {
    std::vector<ReplayInfo> found;
    const bool more = deps_.store.derived().Read([&](const DerivedView& view) {
      auto at = view.replays.all().lower_bound(before);
      while (at != view.replays.all().begin() && found.size() < size) {
        found.push_back((--at)->second);
      }
      return at != view.replays.all().begin();
    });
    v1::ListReplaysResponse response;
    for (const ReplayInfo& info : found) {
      *response.add_replays() = ackwire::Describe(info, deps_.delivery.ActivityOf(info.id));
    }
    if (more) response.set_next_page_token(MakePageToken(std::to_string(found.back().id.value)));
    done(std::move(response));
  });
}

void ReplayCalls::Control(const v1::ControlReplayRequest& request, const Done<v1::Replay>& done) {
  const StatusOr<ReplayInfo> info = FindNamed(deps_.store, request.id());
  Status status = info.status();
  if (status.ok()) status = CheckAction(request);
  if (!status.ok()) return done(status);
  if (info->ended_at) {
    return done(
        Error(StatusCode::kFailedPrecondition, "id: " + request.id() + " has " +
                                                   (info->cancelled ? "been cancelled" : "ended") +
                                                   ", and cannot be changed any more"));
  }
  JournalWork work;
  store::Event& event = work.events.emplace_back();
  event.set_at_ms(ToUnixMs(deps_.clock.Now()));
  store::ReplayControlled& controlled = *event.mutable_replay_controlled();
  controlled.set_replay(info->id.value);
  controlled.set_action(request.action());
  controlled.set_rate_per_second(request.rate_per_second());
  work.done = [this, id = info->id, done](const StatusOr<Recorded>& recorded) {
    if (!recorded.ok()) return done(recorded.status());
    Answer(id, done);
  };
  deps_.store.Submit(std::move(work));
}

}  // namespace ackwire
