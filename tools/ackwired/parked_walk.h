// ParkedWalk finds the parked deliveries that a FailureFilter names, a part at a time: those of
// which any failure on record matches it. With no more than a client and a channel in the filter
// it goes through what is parked, else through the failures that there were when it began.
//
// Threads:  one at a time; Next blocks on disk.
// Lifetime: borrows both.
// Bounds:   a part has kDismissedAtOnceMax deliveries at most, or those of kFailuresAtOnce
//           failures.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ackwire/v1/deliveries.pb.h"
#include "store/clock.h"
#include "store/seq_runs.h"
#include "store/store.h"
#include "tools/ackwired/failure_view.h"

namespace ackwire {

class ParkedWalk {
 public:
  // REQUIRES: `filter` passes CheckFilter.
  ParkedWalk(const Store& store, const Clock& clock, v1::FailureFilter filter);

  // By client and channel. It may be empty before the end, and name what an earlier one named.
  using Part = std::map<std::pair<std::string, ChannelId>, SeqRuns>;
  // The next part; none at the end.
  //   kDataLoss  something on the way is damaged
  [[nodiscard]] StatusOr<std::optional<Part>> Next();

 private:
  static constexpr std::size_t kFailuresAtOnce = 256;

  [[nodiscard]] Status AddParked(Part& part);
  [[nodiscard]] Status AddFailed(Part& part);
  // Of one failure, what is parked now.
  [[nodiscard]] Status AddParkedOf(const Failure& failure, Part& part) const;
  [[nodiscard]] bool IsWanted(ChannelId channel) const;

  const Store& store_;
  const FailureView failures_;
  v1::FailureFilter filter_;
  const JournalNumber last_;  // of the failures that count
  std::string parked_from_;
  FailureId failed_from_;
  bool done_ = false;
};

}  // namespace ackwire
