// What a NaiveLedger keeps of replays, and what it and a store say of them.
#include <algorithm>
#include <sstream>

#include "ackwire/v1/deliveries.pb.h"
#include "store/replay_table.h"
#include "tests/faults/naive_ledger.h"
#include "tests/faults/replay_line.h"

namespace ackwire {

bool NaiveLedger::Replay::IsLeft(const DeliveryKey& key) const {
  return pinned.contains(key) && !acked.contains(key) && !failed.contains(key) &&
         std::none_of(skipped.begin(), skipped.end(),
                      [&](const auto& each) { return each.second.contains(key); });
}

std::set<NaiveLedger::DeliveryKey> NaiveLedger::Replay::Left() const {
  std::set<DeliveryKey> left;
  for (const DeliveryKey& key : pinned) {
    if (IsLeft(key)) left.insert(key);
  }
  return left;
}

bool NaiveLedger::Replay::includes_acked() const {
  v1::ReplaySelection selection;
  selection.ParseFromString(started.selection());
  return selection.range().include_acked();
}

bool NaiveLedger::Replay::of_failed() const {
  v1::ReplaySelection selection;
  selection.ParseFromString(started.selection());
  return selection.has_failed();
}

void NaiveLedger::ApplyReplay(const store::Event& event) {
  if (event.has_replay_started()) {
    const store::ReplayStarted& started = event.replay_started();
    replays_[started.replay()] = {.started = started,
                                  .started_at_ms = event.at_ms(),
                                  .rate_per_second = started.rate_per_second()};
  } else if (event.has_replay_pinned()) {
    const store::ReplayPinned& pinned = event.replay_pinned();
    // From the end of the run before it to its first, and how many more.
    std::uint64_t seq = 0;
    for (int i = 0; i + 1 < pinned.runs_size(); i += 2) {
      seq += pinned.runs(i);
      for (std::uint64_t more = 0; more <= pinned.runs(i + 1); ++more, ++seq) {
        replays_.at(pinned.replay()).pinned.insert({{event.client(), pinned.channel()}, seq});
      }
    }
  } else if (event.has_replay_outcome()) {
    EndSome(replays_.at(event.replay_outcome().replay()), event);
  } else {
    Control(replays_.at(event.replay_controlled().replay()), event);
  }
}

void NaiveLedger::EndSome(Replay& replay, const store::Event& event) {
  const store::ReplayOutcome& outcome = event.replay_outcome();
  if (replay.ended_at_ms != 0) return;
  std::set<DeliveryKey>* to = &replay.skipped[{outcome.reason(), outcome.state()}];
  if (outcome.kind() == store::ReplayOutcome::ACKED) to = &replay.acked;
  if (outcome.kind() == store::ReplayOutcome::FAILED) to = &replay.failed;
  for (const auto& run : outcome.runs()) {
    for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
      const DeliveryKey key{{event.client(), outcome.channel()}, seq};
      if (replay.IsLeft(key)) to->insert(key);
    }
  }
  std::erase_if(replay.skipped, [](const auto& each) { return each.second.empty(); });
  if (replay.Left().empty()) replay.ended_at_ms = event.at_ms();
}

void NaiveLedger::Control(Replay& replay, const store::Event& event) {
  if (replay.ended_at_ms != 0) return;
  const auto& what = event.replay_controlled();
  if (what.action() == v1::ControlReplayRequest::PAUSE) replay.paused = true;
  if (what.action() == v1::ControlReplayRequest::RESUME) replay.paused = false;
  if (what.action() == v1::ControlReplayRequest::SET_RATE) {
    replay.rate_per_second = what.rate_per_second();
  }
  if (what.action() != v1::ControlReplayRequest::CANCEL) return;
  replay.cancelled = true;
  replay.ended_at_ms = event.at_ms();
}

void NaiveLedger::DescribeReplays(std::vector<std::string>& lines) const {
  for (const auto& [id, replay] : replays_) {
    ReplayLine line{.id = id,
                    .started = replay.started,
                    .started_at_ms = replay.started_at_ms,
                    .acked = replay.acked.size(),
                    .failed = replay.failed.size(),
                    .rate_per_second = replay.rate_per_second,
                    .paused = replay.paused,
                    .cancelled = replay.cancelled,
                    .ended_at_ms = replay.ended_at_ms};
    for (const auto& [why, keys] : replay.skipped) line.skipped[why] = keys.size();
    if (replay.ended_at_ms == 0) line.open = replay.Left();
    lines.push_back(line.Text());
  }
}

std::vector<std::string> DescribeReplaysOf(const Derived& derived) {
  return derived.Read([](const DerivedView& view) {
    std::vector<std::string> lines;
    for (const auto& [id, info] : view.replays.all()) {
      ReplayLine line{.id = id.value,
                      .started = info.started,
                      .started_at_ms = ToUnixMs(info.started_at),
                      .acked = info.acked,
                      .failed = info.failed,
                      .skipped = info.skipped,
                      .rate_per_second = info.rate_per_second,
                      .paused = info.paused,
                      .cancelled = info.cancelled,
                      .ended_at_ms = info.ended_at ? ToUnixMs(*info.ended_at) : 0};
      for (const auto& [pair, runs] : view.replays.OpenOf(id)) {
        for (const SeqRun& run : runs.runs()) {
          for (Seq seq = run.first; seq <= run.last; ++seq.value) {
            line.open.insert({{pair.first, pair.second.value}, seq.value});
          }
        }
      }
      lines.push_back(line.Text());
    }
    return lines;
  });
}

std::string ReplayLine::Text() const {
  std::ostringstream out;
  out << "replay " << id << ": " << started.ShortDebugString() << " at " << started_at_ms
      << ", acked " << acked << ", failed " << failed;
  std::uint64_t sum = acked + failed + open.size();
  for (const auto& [why, count] : skipped) {
    out << ", skipped " << count << " (" << why.first << ' ' << why.second << ')';
    sum += count;
  }
  out << ", rate " << rate_per_second << (paused ? ", paused" : "")
      << (cancelled ? ", cancelled" : "") << ", ended " << ended_at_ms << ", open";
  for (const auto& [pair, seq] : open) out << ' ' << pair.first << ' ' << pair.second << ':' << seq;
  if (!cancelled && sum != started.deliveries()) out << ", and that is not all";
  return out.str();
}

}  // namespace ackwire
