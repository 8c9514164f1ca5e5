// All that can be asked of one replay, as a line of text.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/derived.h"
#include "tests/faults/naive_ledger.h"

namespace ackwire {

struct ReplayLine {
  std::uint64_t id = 0;
  store::ReplayStarted started;
  std::int64_t started_at_ms = 0;
  std::uint64_t acked = 0;
  std::uint64_t failed = 0;
  std::map<std::pair<int, int>, std::uint64_t> skipped;
  std::set<NaiveLedger::DeliveryKey> open;
  std::uint32_t rate_per_second = 0;
  bool paused = false;
  bool cancelled = false;
  std::int64_t ended_at_ms = 0;

  // Says so when acked, failed, skipped and open are not all that was pinned.
  [[nodiscard]] std::string Text() const;
};

// Of all replays, as the store answers.
[[nodiscard]] std::vector<std::string> DescribeReplaysOf(const Derived& derived);

}  // namespace ackwire
