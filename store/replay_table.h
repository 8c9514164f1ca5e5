// ReplayTable is every replay there is, and of those that go on, which deliveries are still open:
// resident, a fold over journal events.
//
// Threads: guarded by its owner, Derived.
// Bounds:  some 16 bytes a run of open deliveries, and few hundred a replay; whoever starts a
//          replay keeps open_runs() within kReplayRunsMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/records.pb.h"
#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire {

// Of all replays together: 64 MiB of open runs.
inline constexpr std::size_t kReplayRunsMax = 4'000'000;

struct ReplayInfo {
  using Skip = std::pair<int, int>;  // ackwire.v1.Reason and DeliveryState

  ReplayId id;
  store::ReplayStarted started;
  Timestamp started_at{};
  std::uint32_t rate_per_second = 0;
  std::uint64_t acked = 0;
  std::uint64_t failed = 0;
  std::map<Skip, std::uint64_t> skipped;
  bool paused = false;
  bool cancelled = false;
  std::optional<Timestamp> ended_at;  // done or cancelled
  EventId as_of;                      // the last event in it

  [[nodiscard]] std::uint64_t skipped_total() const;
  [[nodiscard]] std::uint64_t open() const {
    return started.deliveries() - acked - failed - skipped_total();
  }
};

class ReplayTable {
 public:
  // A client and a channel.
  using Pair = std::pair<std::string, ChannelId>;
  using Open = std::map<Pair, SeqRuns>;

  // An event that is in already changes nothing.
  void Apply(EventId id, const store::Event& event);

  // Null when there is no such replay.
  [[nodiscard]] const ReplayInfo* Find(ReplayId id) const;
  [[nodiscard]] const std::map<ReplayId, ReplayInfo>& all() const { return replays_; }
  // What is still to be delivered; nothing of one that has ended.
  [[nodiscard]] const Open& OpenOf(ReplayId id) const;
  [[nodiscard]] std::size_t open_runs() const { return open_runs_; }

  // From disk.
  void Load(ReplayInfo info);
  void LoadOpen(ReplayId id, Pair pair, SeqRuns open);

  // What changed since the last call.
  struct Changes {
    std::vector<ReplayInfo> replays;
    std::map<ReplayId, Open> open;  // empty runs: there are none any more
  };
  [[nodiscard]] Changes TakeChanges();

 private:
  void Start(EventId id, const store::Event& event);
  void Pin(const store::Event& event);
  void Settle(const store::Event& event, ReplayInfo& info);
  void Control(const store::Event& event, ReplayInfo& info);
  // What is open of a client that is forgotten, is skipped; nor does a selection name it any more.
  void Forget(EventId id, const store::Event& event);
  [[nodiscard]] std::uint64_t DropOpenOf(ReplayId id, const std::string& client);
  void EndIfDone(const store::Event& event, ReplayInfo& info);
  void DropOpen(ReplayId id);

  std::map<ReplayId, ReplayInfo> replays_;
  std::map<ReplayId, Open> open_;
  std::size_t open_runs_ = 0;
  std::set<ReplayId> changed_;
  std::set<std::pair<ReplayId, Pair>> changed_open_;
};

}  // namespace ackwire
