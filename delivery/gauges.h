// What the metrics' gauges need from the ledger on disk: how old the oldest undelivered message of
// the clients that are offline is, and how many of their subscriptions wait for a failed message.
// What is damaged on disk is passed over: of that the store's damage watch tells, and what is left
// still has its numbers.
//
// Threads: any; the scan blocks on disk.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "store/store.h"

namespace ackwire {

// The lowest undelivered seq of each channel.
using OldestSeqs = std::map<ChannelId, Seq>;

struct OfflineScan {
  OldestSeqs oldest;
  std::uint64_t blocked_subscriptions = 0;
};

// Reads the ledger of every client that is not in `online`.
[[nodiscard]] OfflineScan ScanOffline(const Store& store, const std::set<std::string>& online);

// Seconds since the oldest of these messages was published; 0 when there is none.
[[nodiscard]] double OldestAgeSeconds(const Store& store, const OldestSeqs& oldest, Timestamp now);

// Keeps the lower seq of a channel.
void Lower(OldestSeqs& oldest, ChannelId channel, Seq seq);

}  // namespace ackwire
