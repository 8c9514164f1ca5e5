// GaugeReader puts the gauges of a scrape together: what the connected sessions know, what the
// store counts, and what only a scan of the ledger tells of clients that are offline.
//
// Threads:  any; blocks on disk.
// Lifetime: borrows both.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "delivery/gauges.h"
#include "delivery/metrics.h"
#include "outbox/relay.h"
#include "store/clock.h"
#include "store/store.h"

namespace ackwire {

class Hub;

// What is collected from the sessions.
struct OnlineScan {
  std::uint64_t undelivered = 0;
  std::uint64_t sessions = 0;      // of any transport
  std::uint64_t sse_sessions = 0;  // of these
  std::uint64_t blocked_subscriptions = 0;
  OldestSeqs oldest;
  std::set<std::string> clients;
};

// Adds what a hub's sessions know; on its thread.
void Collect(const Hub& hub, OnlineScan& scan);

class GaugeReader {
 public:
  GaugeReader(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  [[nodiscard]] Metrics::Gauges Read(const OnlineScan& online, const OutboxDepth& depth);

 private:
  // The last scan, or a new one when that is due and nobody is at it.
  [[nodiscard]] OfflineScan ScanNowAndThen(const std::set<std::string>& online, Timestamp now);

  Store& store_;
  const Clock& clock_;
  std::mutex mutex_;  // guards the rest; not held during a scan
  OfflineScan offline_;
  std::optional<Timestamp> scanned_at_;
  bool scanning_ = false;
};

}  // namespace ackwire
