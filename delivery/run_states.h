// What has become of a run of deliveries: how many of them are in which state.
//
// Threads: any; blocks on disk.
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

// As the ledger on disk has it. What is in flight is told as PENDING: only its session knows.
[[nodiscard]] StatusOr<std::map<v1::DeliveryState, std::uint64_t>> StatesOfRun(
    const Store& store, const DeliveryRun& run, Timestamp now);

}  // namespace ackwire
