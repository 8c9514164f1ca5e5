// MetricRules counts what goes on record in one life of the server, as naively as it can be said,
// by the labels under which the server's own counters have it. At rest both are the same.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "store/committed_group.h"
#include "tests/simulation/findings.h"

namespace ackwire {

class MetricRules {
 public:
  explicit MetricRules(Findings& findings) : findings_(findings) {}

  // A life begins, and its counters at zero.
  void BeginLife() { counted_.clear(); }
  void Committed(const CommittedGroup& group);

  // `scrape`: all metrics, in Prometheus' text format.
  void CheckCounters(const std::string& scrape);
  void Check(const std::string& name, std::uint64_t said, std::uint64_t counted);

 private:
  void Count(const store::Event& event);
  void CountAcked(const store::Acked& acked);
  void CountFailed(int reason, std::uint64_t deliveries);

  Findings& findings_;
  std::map<std::string, std::uint64_t> counted_;  // by name and labels, as a scrape has them
};

}  // namespace ackwire
