#include "delivery/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <vector>

#include "delivery/message_json.h"
#include "store/check.h"

namespace ackwire {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

// Publishing is one fsync; an acknowledgement may be a person's, or come after every retry.
const Histogram::BucketBoundaries kPublishSeconds = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
const Histogram::BucketBoundaries kAckSeconds = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                 2.5,   5,     10,   30,    60,   300, 900,  3600};

// Clients close with codes of their own making: what is not among these counts as `other`, or a
// client could make as many time series as it likes.
constexpr std::array<std::uint16_t, 22> kCloseCodes = {
    1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012,
    1013, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4500, 4501, 4502};

constexpr std::array kPublishErrors = {
    StatusCode::kInvalidArgument,    StatusCode::kNotFound,        StatusCode::kAlreadyExists,
    StatusCode::kPermissionDenied,   StatusCode::kUnauthenticated, StatusCode::kResourceExhausted,
    StatusCode::kFailedPrecondition, StatusCode::kAborted,         StatusCode::kUnimplemented,
    StatusCode::kInternal,           StatusCode::kUnavailable,     StatusCode::kDataLoss};

double InSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

// `ACK_TIMEOUT` of REASON_ACK_TIMEOUT; the number of a value that has no name.
std::string Label(std::string name, std::string_view prefix, int number) {
  if (name.empty()) return std::to_string(number);
  return Lower(name.substr(prefix.size()));
}

const char* NameOf(Metrics::Transport transport) {
  return transport == Metrics::Transport::kGrpc ? "grpc" : "http";
}

}  // namespace

std::string LabelOf(v1::Reason reason) { return Label(v1::Reason_Name(reason), "REASON_", reason); }

std::string LabelOf(v1::DeliveryState state) {
  return Label(v1::DeliveryState_Name(state), "DELIVERY_STATE_", state);
}

std::string LabelOf(StatusCode code) { return Lower(absl::StatusCodeToString(code)); }

struct Metrics::Families {
  prometheus::Registry registry;

  prometheus::Family<Counter>& NewCounter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Family<Gauge>& NewGauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Histogram& NewHistogram(const char* name, const char* help,
                          const Histogram::BucketBoundaries& buckets) {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    return family.Add({}, buckets);
  }

  Counter& published =
      NewCounter("ackwire_messages_published_total", "Messages stored, duplicates not counted.")
          .Add({});
  prometheus::Family<Counter>& rejected =
      NewCounter("ackwire_publish_rejected_total", "Publishes that were refused.");
  Counter& retries =
      NewCounter("ackwire_publish_retries_total", "Publishes that said they were a retry.").Add({});
  Histogram& publish_seconds =
      NewHistogram("ackwire_publish_seconds", "From a publish to its answer.", kPublishSeconds);
  prometheus::Family<Counter>& attempts =
      NewCounter("ackwire_delivery_attempts_total", "Delivery attempts that ended.");
  Counter& acked_attempts = attempts.Add({{"result", "acked"}});
  Counter& failed_attempts = attempts.Add({{"result", "failed"}});
  Counter& recalled_attempts = attempts.Add({{"result", "recalled"}});
  prometheus::Family<Counter>& failures = NewCounter(
      "ackwire_delivery_failures_total", "Delivery attempts and deliveries that failed.");
  std::vector<Counter*> failed;  // by reason
  Counter& acked =
      NewCounter("ackwire_deliveries_acked_total", "Deliveries that were acknowledged.").Add({});
  Histogram& ack_seconds =
      NewHistogram("ackwire_ack_seconds",
                   "From a message's publication to a client's acknowledgement.", kAckSeconds);
  prometheus::Family<Counter>& closes =
      NewCounter("ackwire_session_closes_total", "Sessions that ended.");
  Counter& replayed =
      NewCounter("ackwire_replay_deliveries_total", "Deliveries that replays made.").Add({});

  prometheus::Family<Gauge>& undelivered =
      NewGauge("ackwire_undelivered", "Deliveries owed and not settled.");
  prometheus::Family<Gauge>& undelivered_oldest = NewGauge(
      "ackwire_undelivered_oldest_seconds", "Age of the oldest delivery owed and not settled.");
  Gauge& parked =
      NewGauge("ackwire_parked", "Deliveries that wait for a replay or dismissal.").Add({});
  Gauge& blocked = NewGauge("ackwire_blocked_subscriptions",
                            "Subscriptions held up by a delivery that failed or cannot be read.")
                       .Add({});
  Gauge& outbox_depth =
      NewGauge("ackwire_outbox_depth", "Commits not yet handed over to all sinks.").Add({});
  Gauge& outbox_oldest =
      NewGauge("ackwire_outbox_oldest_seconds", "Age of the oldest commit in the outbox.").Add({});
  prometheus::Family<Gauge>& sessions = NewGauge("ackwire_sessions", "Clients connected.");
  Gauge& last_position =
      NewGauge("ackwire_log_last_position", "Position of the last message on disk.").Add({});
  Gauge& store_bytes =
      NewGauge("ackwire_store_bytes", "Bytes of all files in the data directory.").Add({});
  Gauge& disk_free =
      NewGauge("ackwire_disk_free_bytes", "Bytes free on the data directory's disk.").Add({});
  Gauge& unheard = NewGauge("ackwire_messages_unheard",
                            "Messages that were published while nobody was subscribed.")
                       .Add({});
  Gauge& journal_bytes =
      NewGauge("ackwire_journal_bytes", "Bytes on disk of what happened, about.").Add({});
  Gauge& journal_oldest =
      NewGauge("ackwire_journal_oldest_seconds", "Age of the oldest record of what happened.")
          .Add({});

  prometheus::Family<Counter>& limit_hits =
      NewCounter("ackwire_limit_hits_total", "Callers that ran into a limit, by limit.");
  std::vector<Counter*> hits;  // by limit

  // What is counted at zero can be alerted on before the first case.
  Families() {
    for (const Transport transport : {Transport::kGrpc, Transport::kHttp}) {
      for (const StatusCode code : kPublishErrors) Rejected(LabelOf(code), transport);
      Rejected(ErrorCode(DiskFull("")), transport);
    }
    for (int reason = v1::Reason_MIN; reason <= v1::Reason_MAX; ++reason) {
      failed.push_back(&failures.Add({{"reason", LabelOf(static_cast<v1::Reason>(reason))}}));
    }
    for (const char* limit : kLimitNames) hits.push_back(&limit_hits.Add({{"limit", limit}}));
    for (const std::uint16_t code : kCloseCodes) closes.Add({{"code", std::to_string(code)}});
  }

  Counter& Rejected(const std::string& code, Transport transport) {
    return rejected.Add({{"code", code}, {"transport", NameOf(transport)}});
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::Replayed() { families_->replayed.Increment(); }

void Metrics::PublishAnswered(const Status& status, Transport transport, Duration took,
                              Stored stored) {
  families_->publish_seconds.Observe(InSeconds(took));
  if (!status.ok()) {
    families_->Rejected(ErrorCode(status), transport).Increment();
  } else if (stored == Stored::kNow) {
    families_->published.Increment();
  }
}

void Metrics::PublishRetried() { families_->retries.Increment(); }

void Metrics::AttemptEnded(const char* result, std::uint64_t count) {
  const std::string_view name(result);
  CHECK(name == "acked" || name == "failed" || name == "recalled", "an attempt has three ends");
  Counter& counter = name == "acked"    ? families_->acked_attempts
                     : name == "failed" ? families_->failed_attempts
                                        : families_->recalled_attempts;
  counter.Increment(static_cast<double>(count));
}

void Metrics::DeliveriesFailed(v1::Reason reason, std::uint64_t count) {
  CHECK(v1::Reason_IsValid(reason), "a failure has a reason of the contract");
  families_->failed[static_cast<std::size_t>(reason)]->Increment(static_cast<double>(count));
}

void Metrics::DeliveriesAcked(std::uint64_t count) {
  families_->acked.Increment(static_cast<double>(count));
}

void Metrics::AckedAfter(Duration since_publish, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    families_->ack_seconds.Observe(InSeconds(since_publish));
  }
}

void Metrics::SessionClosed(std::uint16_t code) {
  const bool known = std::find(kCloseCodes.begin(), kCloseCodes.end(), code) != kCloseCodes.end();
  families_->closes.Add({{"code", known ? std::to_string(code) : "other"}}).Increment();
}

void Metrics::LimitHit(Limit limit) {
  families_->hits[static_cast<std::size_t>(limit)]->Increment();
}

std::string Metrics::Scrape(const Gauges& gauges) {
  const auto set = [](Gauge& gauge, auto value) { gauge.Set(static_cast<double>(value)); };
  Families& to = *families_;
  set(to.undelivered.Add({{"presence", "online"}}), gauges.undelivered_online);
  set(to.undelivered.Add({{"presence", "offline"}}), gauges.undelivered_offline);
  set(to.undelivered_oldest.Add({{"presence", "online"}}), gauges.oldest_online_seconds);
  set(to.undelivered_oldest.Add({{"presence", "offline"}}), gauges.oldest_offline_seconds);
  set(to.parked, gauges.parked);
  set(to.blocked, gauges.blocked_subscriptions);
  set(to.outbox_depth, gauges.outbox_depth);
  set(to.outbox_oldest, gauges.outbox_oldest_seconds);
  set(to.sessions.Add({{"transport", "websocket"}}), gauges.websocket_sessions);
  set(to.sessions.Add({{"transport", "sse"}}), gauges.sse_sessions);
  set(to.last_position, gauges.log_last_position);
  set(to.store_bytes, gauges.store_bytes);
  set(to.disk_free, gauges.disk_free_bytes);
  set(to.unheard, gauges.unheard);
  set(to.journal_bytes, gauges.journal_bytes);
  set(to.journal_oldest, gauges.journal_oldest_seconds);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, to.registry.Collect());
  return out.str();
}

}  // namespace ackwire
