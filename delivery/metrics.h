// The contract's metrics, in one prometheus-cpp registry. Names and labels: proto/README.md.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/limit.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

// `ack_timeout`, `parked`, … as metric labels and JSON say it: lower case, without the enum's
// prefix.
[[nodiscard]] std::string LabelOf(v1::Reason reason);
[[nodiscard]] std::string LabelOf(v1::DeliveryState state);
[[nodiscard]] std::string LabelOf(StatusCode code);

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  enum class Transport { kGrpc, kHttp };
  enum class Stored { kNow, kBefore };  // kBefore: a duplicate; it counts as answered alone
  // A publish was answered with this status after so long.
  void PublishAnswered(const Status& status, Transport transport, Duration took,
                       Stored stored = Stored::kNow);
  // A publisher said that it tries again.
  void PublishRetried();

  // So many delivery attempts ended: "acked", "failed" or "recalled".
  void AttemptEnded(const char* result, std::uint64_t count = 1);
  void DeliveriesFailed(v1::Reason reason, std::uint64_t count);
  void DeliveriesAcked(std::uint64_t count);
  void AckedAfter(Duration since_publish, std::uint64_t count);
  void SessionClosed(std::uint16_t code);
  // A caller ran into a limit.
  void LimitHit(Limit limit);
  // A replay's delivery was sent.
  void Replayed();

  // What is read at the moment of a scrape.
  struct Gauges {
    std::uint64_t undelivered_online = 0;
    std::uint64_t undelivered_offline = 0;
    double oldest_online_seconds = 0;
    double oldest_offline_seconds = 0;
    std::uint64_t parked = 0;
    std::uint64_t blocked_subscriptions = 0;
    std::uint64_t outbox_depth = 0;
    double outbox_oldest_seconds = 0;
    std::uint64_t websocket_sessions = 0;
    std::uint64_t sse_sessions = 0;
    std::uint64_t log_last_position = 0;
    std::uint64_t store_bytes = 0;
    std::uint64_t disk_free_bytes = 0;
    std::uint64_t unheard = 0;
    std::uint64_t journal_bytes = 0;
    double journal_oldest_seconds = 0;
  };
  // Prometheus' text format.
  [[nodiscard]] std::string Scrape(const Gauges& gauges);

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace ackwire
