// ReplayMeasure adds up what a plan reaches, a part at a time, and takes out what is no longer
// stored, and what has expired. Each message is read once, however many clients it goes to.
//
// Threads:  one at a time; Step blocks on disk.
// Lifetime: borrows both; nobody else touches the plan until the last step.
// Bounds:   a step reads kMessagesAtOnce messages, or as many as have kBytesAtOnce.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "store/seq_runs.h"
#include "store/status.h"
#include "store/store.h"
#include "tools/ackwired/replay_plan.h"

namespace ackwire {

class ReplayMeasure {
 public:
  // Sets the numbers of `planned`: messages and bytes, what is no longer stored or has expired, and
  // in the last step deliveries and runs.
  ReplayMeasure(const Store& store, PlannedReplay& planned, Timestamp now);
  ReplayMeasure(const ReplayMeasure&) = delete;
  ReplayMeasure& operator=(const ReplayMeasure&) = delete;

  // True: that was the last.
  //   kDataLoss  a message is damaged
  [[nodiscard]] StatusOr<bool> Step();

  // A run of messages that all go to as many clients.
  struct Share {
    SeqRun seqs;
    std::uint64_t clients = 0;
  };

 private:
  static constexpr std::size_t kMessagesAtOnce = 1'000;
  static constexpr std::size_t kBytesAtOnce = 1ULL << 20U;

  // What a step may still read.
  struct Left {
    std::size_t messages = kMessagesAtOnce;
    std::size_t bytes = kBytesAtOnce;
  };
  // Reads what comes next of the first share.
  [[nodiscard]] Status Read(Left& left);
  void Count(const StoredMessage& stored, std::uint64_t clients);
  void EndChannel();
  void End();

  const Store& store_;
  PlannedReplay& planned_;
  const Timestamp now_;
  // What goes to the clients of each channel that is left. The first is under way.
  std::map<ChannelId, std::vector<SeqRuns*>> channels_;
  bool begun_ = false;
  std::deque<Share> shares_;  // of that channel, not yet read
  SeqRuns gone_;              // of that channel
};

}  // namespace ackwire
