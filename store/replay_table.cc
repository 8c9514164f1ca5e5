#include "store/replay_table.h"

#include "ackwire/v1/deliveries.pb.h"
#include "store/forgotten_client.h"

namespace ackwire {
namespace {

// The replay that an event is about; zero: none.
ReplayId ReplayOf(const store::Event& event) {
  switch (event.what_case()) {
    case store::Event::kReplayStarted:
      return {event.replay_started().replay()};
    case store::Event::kReplayPinned:
      return {event.replay_pinned().replay()};
    case store::Event::kReplayOutcome:
      return {event.replay_outcome().replay()};
    case store::Event::kReplayControlled:
      return {event.replay_controlled().replay()};
    default:
      return {};
  }
}

}  // namespace

std::uint64_t ReplayInfo::skipped_total() const {
  std::uint64_t total = 0;
  for (const auto& [why, count] : skipped) total += count;
  return total;
}

void ReplayTable::Apply(EventId id, const store::Event& event) {
  if (event.has_client_forgotten()) return Forget(id, event);
  const ReplayId replay = ReplayOf(event);
  if (replay.value == 0) return;
  const auto known = replays_.find(replay);
  if (event.has_replay_started()) {
    if (known == replays_.end()) Start(id, event);
    return;
  }
  // Its start is lost.
  if (known == replays_.end() || id <= known->second.as_of) return;
  ReplayInfo& info = known->second;
  info.as_of = id;
  changed_.insert(replay);
  if (event.has_replay_pinned()) Pin(event);
  if (event.has_replay_outcome()) Settle(event, info);
  if (event.has_replay_controlled()) Control(event, info);
}

void ReplayTable::Start(EventId id, const store::Event& event) {
  const store::ReplayStarted& started = event.replay_started();
  const ReplayId replay{started.replay()};
  replays_[replay] = {.id = replay,
                      .started = started,
                      .started_at = FromUnixMs(event.at_ms()),
                      .rate_per_second = started.rate_per_second(),
                      .as_of = id};
  changed_.insert(replay);
}

void ReplayTable::Pin(const store::Event& event) {
  const store::ReplayPinned& pinned = event.replay_pinned();
  const Pair pair{event.client(), ChannelId{pinned.channel()}};
  SeqRuns runs = UnpackRuns(pinned.runs());
  open_runs_ += runs.runs().size();
  open_[{pinned.replay()}][pair] = std::move(runs);
  changed_open_.insert({ReplayId{pinned.replay()}, pair});
}

void ReplayTable::Settle(const store::Event& event, ReplayInfo& info) {
  const store::ReplayOutcome& outcome = event.replay_outcome();
  const Pair pair{event.client(), ChannelId{outcome.channel()}};
  const auto of_replay = open_.find(info.id);
  if (of_replay == open_.end()) return;
  const auto open = of_replay->second.find(pair);
  if (open == of_replay->second.end()) return;
  open_runs_ -= open->second.runs().size();
  std::uint64_t settled = 0;
  for (const auto& run : outcome.runs()) {
    settled += open->second.Remove({Seq{run.first()}, Seq{run.last()}});
  }
  open_runs_ += open->second.runs().size();
  changed_open_.insert({info.id, pair});
  if (open->second.empty()) of_replay->second.erase(open);
  switch (outcome.kind()) {
    case store::ReplayOutcome::ACKED:
      info.acked += settled;
      break;
    case store::ReplayOutcome::FAILED:
      info.failed += settled;
      break;
    default:
      if (settled > 0) info.skipped[{outcome.reason(), outcome.state()}] += settled;
      break;
  }
  EndIfDone(event, info);
}

void ReplayTable::EndIfDone(const store::Event& event, ReplayInfo& info) {
  const auto of_replay = open_.find(info.id);
  if (of_replay == open_.end() || !of_replay->second.empty()) return;
  open_.erase(of_replay);
  info.ended_at = FromUnixMs(event.at_ms());
}

void ReplayTable::Forget(EventId id, const store::Event& event) {
  const ForgottenClient forgotten{event.client(), id};
  for (auto& [replay, info] : replays_) {
    if (id <= info.as_of) continue;
    const bool named = EraseFromSelection(forgotten, info.started);
    const std::uint64_t dropped = DropOpenOf(replay, event.client());
    if (named || dropped > 0) changed_.insert(replay);
    // Once the journal is written again the selection has no name in it, and says nothing new here.
    if (dropped == 0) continue;
    info.as_of = id;
    // As what is owed no more because its subscription has ended.
    info.skipped[{v1::REASON_UNSUBSCRIBED, v1::DELIVERY_STATE_ABANDONED}] += dropped;
    EndIfDone(event, info);
  }
}

std::uint64_t ReplayTable::DropOpenOf(ReplayId id, const std::string& client) {
  const auto of_replay = open_.find(id);
  if (of_replay == open_.end()) return 0;
  std::uint64_t dropped = 0;
  auto at = of_replay->second.lower_bound({client, {}});
  while (at != of_replay->second.end() && at->first.first == client) {
    dropped += at->second.count();
    open_runs_ -= at->second.runs().size();
    changed_open_.insert({id, at->first});
    at = of_replay->second.erase(at);
  }
  return dropped;
}

void ReplayTable::Control(const store::Event& event, ReplayInfo& info) {
  if (info.ended_at) return;
  switch (event.replay_controlled().action()) {
    case v1::ControlReplayRequest::PAUSE:
      info.paused = true;
      break;
    case v1::ControlReplayRequest::RESUME:
      info.paused = false;
      break;
    case v1::ControlReplayRequest::SET_RATE:
      info.rate_per_second = event.replay_controlled().rate_per_second();
      break;
    case v1::ControlReplayRequest::CANCEL:
      info.cancelled = true;
      info.ended_at = FromUnixMs(event.at_ms());
      DropOpen(info.id);
      break;
    default:
      break;
  }
}

void ReplayTable::DropOpen(ReplayId id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  for (const auto& [pair, runs] : found->second) {
    open_runs_ -= runs.runs().size();
    changed_open_.insert({id, pair});
  }
  open_.erase(found);
}

const ReplayInfo* ReplayTable::Find(ReplayId id) const {
  const auto found = replays_.find(id);
  return found == replays_.end() ? nullptr : &found->second;
}

const ReplayTable::Open& ReplayTable::OpenOf(ReplayId id) const {
  static const Open none;
  const auto found = open_.find(id);
  return found == open_.end() ? none : found->second;
}

void ReplayTable::Load(ReplayInfo info) { replays_[info.id] = std::move(info); }

void ReplayTable::LoadOpen(ReplayId id, Pair pair, SeqRuns open) {
  open_runs_ += open.runs().size();
  open_[id][std::move(pair)] = std::move(open);
}

ReplayTable::Changes ReplayTable::TakeChanges() {
  Changes changes;
  for (const ReplayId id : std::exchange(changed_, {})) changes.replays.push_back(replays_.at(id));
  for (const auto& [id, pair] : std::exchange(changed_open_, {})) {
    SeqRuns& runs = changes.open[id][pair];
    const Open& open = OpenOf(id);
    if (const auto found = open.find(pair); found != open.end()) runs = found->second;
  }
  return changes;
}

}  // namespace ackwire
