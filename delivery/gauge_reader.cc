#include "delivery/gauge_reader.h"

#include <algorithm>
#include <utility>

#include "delivery/hub.h"
#include "delivery/session.h"

namespace ackwire {
namespace {

// The offline part reads the whole ledger: not at every scrape.
constexpr Duration kOfflineScanInterval{15'000};

}  // namespace

void Collect(const Hub& hub, OnlineScan& scan) {
  for (const auto& session : hub.sessions()) {
    if (!session->open()) continue;
    ++scan.sessions;
    if (session->ledger().session().transport == "sse") ++scan.sse_sessions;
    scan.clients.insert(session->client());
    for (const auto& [channel, feed] : session->ledger().feeds()) {
      const std::uint64_t undelivered = feed.undelivered();
      if (undelivered == 0) continue;
      scan.undelivered += undelivered;
      scan.blocked_subscriptions += feed.blocked() ? 1 : 0;
      Lower(scan.oldest, channel, feed.entry().FirstUnsettled({feed.entry().floor().value + 1}));
    }
  }
}

Metrics::Gauges GaugeReader::Read(const OnlineScan& online, const OutboxDepth& depth) {
  Metrics::Gauges gauges;
  const Timestamp now = clock_.Now();
  const Totals totals = store_.derived().Read([&](const DerivedView& view) {
    gauges.log_last_position = view.last_position.value;
    gauges.unheard = view.unheard;
    return view.totals;
  });
  gauges.undelivered_online = std::min(online.undelivered, totals.undelivered);
  gauges.undelivered_offline = totals.undelivered - gauges.undelivered_online;
  gauges.parked = totals.parked;
  gauges.websocket_sessions = online.sessions - online.sse_sessions;
  gauges.sse_sessions = online.sse_sessions;
  gauges.outbox_depth = depth.commits;
  gauges.outbox_oldest_seconds = std::chrono::duration<double>(depth.oldest_age).count();
  gauges.store_bytes = store_.database().bytes();
  gauges.disk_free_bytes = store_.database().FreeBytes().value_or(0);
  if (const auto journal = store_.journal().WhatIsKept(); journal.ok()) {
    gauges.journal_bytes = journal->bytes;
    gauges.journal_oldest_seconds =
        std::chrono::duration<double>(now - journal->begins_at.value_or(now)).count();
  }
  const OfflineScan scan = ScanNowAndThen(online.clients, now);
  gauges.blocked_subscriptions = online.blocked_subscriptions + scan.blocked_subscriptions;
  gauges.oldest_online_seconds = OldestAgeSeconds(store_, online.oldest, now);
  gauges.oldest_offline_seconds = OldestAgeSeconds(store_, scan.oldest, now);
  return gauges;
}

OfflineScan GaugeReader::ScanNowAndThen(const std::set<std::string>& online, Timestamp now) {
  {
    std::lock_guard lock(mutex_);
    const bool due = !scanned_at_ || now - *scanned_at_ >= kOfflineScanInterval;
    if (scanning_ || !due) return offline_;
    scanning_ = true;
  }
  OfflineScan scanned = ScanOffline(store_, online);
  std::lock_guard lock(mutex_);
  scanning_ = false;
  offline_ = std::move(scanned);
  scanned_at_ = now;
  return offline_;
}

}  // namespace ackwire
