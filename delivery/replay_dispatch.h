// ReplayDispatch decides which deliveries of one replay are handed over next, and to whom: at no
// more than its rate, to clients that are connected, in turns, and to none more than its lane
// takes. It knows no session, no disk and no clock.
//
// Threads: one owner.
// Bounds:  what is handed over: kReplayLaneMax a client; and the names of those to whom anything
//          was. What is open stays where it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "delivery/replay_lane.h"
#include "store/replay_table.h"
#include "store/types.h"

namespace ackwire {

class ReplayDispatch {
 public:
  // From now on at this rate.
  void SetRate(std::uint32_t per_second) { rate_ = per_second; }

  // The client is connected now, or is no more: what it was handed is open again.
  void Online(const std::string& client) { candidates_.insert(client); }
  void Offline(const std::string& client);

  // What to hand over now, of what is open; all of one client each. Looks at few clients a call:
  // nobody else may change `open` meanwhile.
  struct Batch {
    std::string client;
    std::vector<DeliveryKey> keys;
  };
  [[nodiscard]] std::vector<Batch> Next(const ReplayTable::Open& open, Timestamp now);

  // It was settled, or the client did not take it after all.
  void Return(const std::string& client, ChannelId channel, SeqRun seqs);

  // All to whom anything ever was: news that one is offline may be of an earlier connection, and
  // what was handed over since is with a later one.
  [[nodiscard]] const std::set<std::string>& ClientsHandedTo() const { return handed_to_; }
  // Next has nothing more before somebody connects or something is returned.
  [[nodiscard]] bool idle() const { return candidates_.empty(); }
  // With connected clients: in flight, or about to be.
  [[nodiscard]] std::uint64_t handed() const { return handed_total_; }

 private:
  [[nodiscard]] std::uint64_t HandedTo(const std::string& client) const;
  // Up to `most` of the client's that are open and not handed over.
  [[nodiscard]] std::vector<DeliveryKey> Take(const ReplayTable::Open& open,
                                              const std::string& client, std::uint64_t most);

  std::uint32_t rate_ = 1;
  double tokens_ = 0;
  Timestamp filled_at_{};
  std::set<std::string> candidates_;  // connected, and may have something open
  std::string last_turn_;             // the client that was served last
  std::map<std::string, std::map<ChannelId, SeqRuns>> handed_;
  std::uint64_t handed_total_ = 0;
  std::set<std::string> handed_to_;
};

}  // namespace ackwire
