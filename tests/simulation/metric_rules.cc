#include "tests/simulation/metric_rules.h"

#include <set>
#include <sstream>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/metrics.h"

namespace ackwire {
namespace {

constexpr const char* kAcked = "ackwire_deliveries_acked_total";
constexpr const char* kAttempts = "ackwire_delivery_attempts_total";
constexpr const char* kFailures = "ackwire_delivery_failures_total";

std::uint64_t Seqs(const auto& runs) {
  std::uint64_t seqs = 0;
  for (const auto& run : runs) seqs += run.last() - run.first() + 1;
  return seqs;
}

std::string Labelled(const char* name, const char* label, const std::string& value) {
  return std::string(name) + '{' + label + "=\"" + value + "\"}";
}

}  // namespace

void MetricRules::Committed(const CommittedGroup& group) {
  for (const store::Event& event : group.record.events()) Count(event);
}

void MetricRules::Count(const store::Event& event) {
  if (event.has_acked()) CountAcked(event.acked());
  if (event.has_failed()) {
    std::uint64_t attempts = 0;
    for (const auto& part : event.failed().channels()) attempts += Seqs(part.runs());
    const bool recalled = event.failed().reason() == v1::REASON_RECALLED;
    counted_[Labelled(kAttempts, "result", recalled ? "recalled" : "failed")] += attempts;
    CountFailed(event.failed().reason(), attempts);
  }
  // What was rejected in time has failed by its attempt.
  const bool attempt_tells =
      event.parked().reason() == v1::REASON_REJECTED && !event.parked().late();
  if (event.has_parked() && !attempt_tells) CountFailed(event.parked().reason(), 1);
  if (event.has_abandoned()) {
    CountFailed(event.abandoned().reason(),
                Seqs(event.abandoned().runs()) +
                    static_cast<std::uint64_t>(event.abandoned().unparked_size()));
  }
  if (event.has_unsubscribed()) {
    CountFailed(v1::REASON_UNSUBSCRIBED, event.unsubscribed().undelivered());
  }
}

void MetricRules::CountAcked(const store::Acked& acked) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> replayed;  // channel, seq
  std::uint64_t deliveries = 0;
  for (const auto& part : acked.channels()) {
    deliveries += Seqs(part.runs()) + Seqs(part.replayed());
    for (const auto& run : part.replayed()) {
      for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
        replayed.insert({part.channel(), seq});
      }
    }
  }
  // One of a replay may have been parked: it is in both.
  for (const auto& part : acked.channels()) {
    for (const std::uint64_t seq : part.unparked()) {
      deliveries += replayed.contains({part.channel(), seq}) ? 0 : 1;
    }
  }
  counted_[kAcked] += deliveries;
  counted_[Labelled(kAttempts, "result", "acked")] += deliveries;
}

void MetricRules::CountFailed(int reason, std::uint64_t deliveries) {
  counted_[Labelled(kFailures, "reason", LabelOf(static_cast<v1::Reason>(reason)))] += deliveries;
}

void MetricRules::CheckCounters(const std::string& scrape) {
  std::istringstream lines(scrape);
  for (std::string line; std::getline(lines, line);) {
    const bool counts =
        line.starts_with(kAcked) || line.starts_with(kAttempts) || line.starts_with(kFailures);
    if (!counts) continue;
    const std::size_t space = line.rfind(' ');
    const std::string name = line.substr(0, space);
    Check(name, std::stoull(line.substr(space + 1)), counted_[name]);
    counted_.erase(name);
  }
  for (const auto& [name, counted] : counted_) Check(name, 0, counted);
}

void MetricRules::Check(const std::string& name, std::uint64_t said, std::uint64_t counted) {
  if (said == counted) return;
  findings_.Violate("metrics", name + ": " + std::to_string(said) + ", and " +
                                   std::to_string(counted) + " are on record");
}

}  // namespace ackwire
