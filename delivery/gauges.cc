#include "delivery/gauges.h"

#include <algorithm>
#include <chrono>

#include "store/proto_time.h"

namespace ackwire {
namespace {

constexpr std::size_t kPageClients = 1000;

void AddClient(const Store& store, const std::string& client, OfflineScan& scan) {
  const StatusOr<std::vector<ChannelEntry>> entries = store.ledger().Entries(client);
  if (!entries.ok()) return;
  for (const ChannelEntry& each : *entries) {
    const Seq last = store.derived().LastOf(each.channel);
    if (each.entry.Undelivered(last) == 0) continue;
    Lower(scan.oldest, each.channel, each.entry.FirstUnsettled({each.entry.floor().value + 1}));
    const auto& retries = each.entry.retries();
    const auto failed = std::find_if(retries.begin(), retries.end(), [last](const auto& retry) {
      return retry.second.counted > 0 && retry.first < last;
    });
    if (failed != retries.end()) ++scan.blocked_subscriptions;
  }
}

}  // namespace

void Lower(OldestSeqs& oldest, ChannelId channel, Seq seq) {
  const auto [at, added] = oldest.try_emplace(channel, seq);
  if (!added) at->second = std::min(at->second, seq);
}

OfflineScan ScanOffline(const Store& store, const std::set<std::string>& online) {
  OfflineScan scan;
  LedgerReader::Page page{.limit = kPageClients};
  for (;;) {
    const StatusOr<std::vector<std::string>> clients = store.ledger().Clients(page);
    if (!clients.ok()) {
      // Up to what cannot be read, one by one; what comes behind it nobody can say.
      if (page.limit == 1) return scan;
      page.limit = 1;
      continue;
    }
    for (const std::string& client : *clients) {
      if (!online.contains(client)) AddClient(store, client, scan);
    }
    if (clients->size() < page.limit) return scan;
    page.after = clients->back();
  }
}

double OldestAgeSeconds(const Store& store, const OldestSeqs& oldest, Timestamp now) {
  Timestamp first = now;
  for (const auto& [channel, seq] : oldest) {
    const StatusOr<StoredMessage> stored = store.log().ReadSeq(channel, seq);
    if (stored.ok()) first = std::min(first, TimeOf(stored->message.published_at()));
  }
  return std::chrono::duration<double>(now - first).count();
}

}  // namespace ackwire
