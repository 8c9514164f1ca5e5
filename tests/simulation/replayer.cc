#include "tests/simulation/replayer.h"

#include <utility>

#include "tests/simulation/server.h"
#include "tools/ackwired/replay_planner.h"

namespace ackwire {
namespace {

constexpr std::uint32_t kRates[] = {40, 200, 1'000, 5'000};

ReplayRules::Deliveries DeliveriesOf(const PlannedReplay& planned) {
  ReplayRules::Deliveries deliveries;
  for (const auto& [pair, runs] : planned.open) {
    for (const SeqRun& run : runs.runs()) {
      for (Seq seq = run.first; seq <= run.last; ++seq.value) {
        deliveries.insert({{pair.first, pair.second.value}, seq.value});
      }
    }
  }
  return deliveries;
}

}  // namespace

void SimReplayer::Begin() {
  world_.agenda.After(world_.Wait(10, 120), [this] {
    Act();
    Begin();
  });
}

void SimReplayer::Act() {
  if (world_.server == nullptr) return;
  if (world_.calm) return GoOn();
  if (world_.OneIn(2)) return Plan();
  ControlSome();
}

v1::PlanReplayRequest SimReplayer::AnyRequest() {
  v1::PlanReplayRequest request;
  request.set_rate_per_second(kRates[world_.Below(std::size(kRates))]);
  const std::string client = world_.OneIn(3) ? world_.AnyClient() : "";
  if (world_.OneIn(2)) {
    v1::FailureFilter& filter = *request.mutable_selection()->mutable_failed();
    filter.set_channel(world_.OneIn(2) ? "*" : world_.AnyChannel());
    filter.set_client(client);
    return request;
  }
  v1::RangeSelection& range = *request.mutable_selection()->mutable_range();
  range.set_channel(world_.AnyChannel());
  range.set_client(client);
  if (world_.OneIn(2)) range.set_from_seq(1 + world_.Below(10));
  if (world_.OneIn(2)) range.set_to_seq(range.from_seq() + world_.Below(20));
  range.set_include_acked(world_.OneIn(3));
  return request;
}

void SimReplayer::Plan() {
  SimServer& server = *world_.server;
  server.Read([this, &server, request = AnyRequest()] {
    if (server.failed()) return;
    // All steps at once: the check knows what there was at one moment.
    ReplayPlanner planner(server.store(), world_.clock, request);
    StatusOr<bool> at_end = false;
    while (at_end.ok() && !*at_end) at_end = planner.Step();
    if (!at_end.ok()) {
      // A channel that nobody has written to is none.
      if (at_end.status().code() == StatusCode::kNotFound) return;
      return world_.findings.Violate("plan", MessageOf(at_end.status()));
    }
    const PlannedReplay planned = planner.Take([](const std::string&) { return false; });
    world_.deliveries.replays().CheckPlan(request.selection(), DeliveriesOf(planned),
                                          world_.clock.Now());
    if (planned.open.empty()) return;
    // Whoever planned it thinks about it.
    world_.agenda.After(
        world_.OneIn(2) ? Duration(0) : world_.Wait(1, 80),
        [this, planned, at = world_.deliveries.replays().number()] { Start(planned, at); });
  });
}

void SimReplayer::Start(const PlannedReplay& planned, std::uint64_t planned_at) {
  if (world_.server == nullptr) return;
  world_.deliveries.replays().AsksStart({DeliveriesOf(planned), planned_at});
  JournalWork work =
      StartOf(planned, {.note = "again", .started_by = "the operator"}, world_.clock.Now());
  work.done = [](const StatusOr<Recorded>&) {};
  world_.server->Submit(std::move(work));
}

void SimReplayer::ControlSome() {
  const std::vector<std::uint64_t> going = world_.deliveries.replays().Going();
  if (going.empty()) return;
  const std::uint64_t replay = going[world_.Below(going.size())];
  const bool paused = world_.deliveries.record().replays().at(replay).paused;
  switch (world_.Below(6)) {
    case 0:
      return Control(replay, {.action = v1::ControlReplayRequest::CANCEL});
    case 1:
      return Control(replay, {.action = v1::ControlReplayRequest::SET_RATE,
                              .rate_per_second = kRates[world_.Below(std::size(kRates))]});
    default:
      Control(replay, {.action = paused ? v1::ControlReplayRequest::RESUME
                                        : v1::ControlReplayRequest::PAUSE});
  }
}

void SimReplayer::GoOn() {
  const std::uint32_t fast = kRates[std::size(kRates) - 1];
  for (const std::uint64_t id : world_.deliveries.replays().Going()) {
    const NaiveLedger::Replay& replay = world_.deliveries.record().replays().at(id);
    if (replay.paused) Control(id, {.action = v1::ControlReplayRequest::RESUME});
    if (replay.rate_per_second == fast) continue;
    Control(id, {.action = v1::ControlReplayRequest::SET_RATE, .rate_per_second = fast});
  }
}

void SimReplayer::Control(std::uint64_t replay, const Change& change) {
  JournalWork work;
  store::Event& event = work.events.emplace_back();
  event.set_at_ms(ToUnixMs(world_.clock.Now()));
  store::ReplayControlled& controlled = *event.mutable_replay_controlled();
  controlled.set_replay(replay);
  controlled.set_action(change.action);
  controlled.set_rate_per_second(change.rate_per_second);
  work.done = [](const StatusOr<Recorded>&) {};
  world_.server->Submit(std::move(work));
}

}  // namespace ackwire
