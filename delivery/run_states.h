// What has become of a run of deliveries: how many of them are in which state.
//
// Threads: any; reading blocks on disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "store/seq_runs.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

struct DeliveryRun {
  std::string client;
  ChannelId channel;
  SeqRun seqs;
};

// A state that none is in is left out.
using StateCounts = std::map<v1::DeliveryState, std::uint64_t>;

// A run as the ledger on disk has it, read once for whatever is asked of its parts. What is in
// flight is told as PENDING: only its session knows.
class RunOnRecord {
 public:
  //   kDataLoss  something of it is damaged
  [[nodiscard]] static StatusOr<RunOnRecord> Read(const Store& store, const DeliveryRun& run);

  // REQUIRES: `part` is of the run that was read.
  [[nodiscard]] StateCounts StatesOf(SeqRun part, Timestamp now) const;

 private:
  LedgerEntry entry_;
  SeqRuns parked_;
  SeqRuns acked_;
};

// Of all of it.
[[nodiscard]] StatusOr<StateCounts> StatesOfRun(const Store& store, const DeliveryRun& run,
                                                Timestamp now);

}  // namespace ackwire
