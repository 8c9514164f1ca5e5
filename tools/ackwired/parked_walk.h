// ParkedWalk finds the parked deliveries that a FailureFilter names, a part at a time: those of
// which any failure on record matches it. With no more than a client and a channel in the filter
// it goes through what is parked, else through the failures that there were when it began.
//
// Threads:  one at a time; Next blocks on disk.
// Lifetime: borrows both.
// Bounds:   a part looks at kDismissedAtOnceMax parked deliveries, or at kFailuresAtOnce failures
//           and what is parked of kRunsAtOnce runs of them, and holds fewer deliveries than twice
//           kDismissedAtOnceMax. In memory are these failures' runs, and kLookedAtRunsMax runs.
#pragma once

#include <cstddef>
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
  static constexpr std::size_t kFailuresAtOnce = 2'000;
  static constexpr std::size_t kRunsAtOnce = 1'000;
  static constexpr std::size_t kLookedAtRunsMax = 250'000;

  [[nodiscard]] Status AddParked(Part& part);
  [[nodiscard]] Status AddFailed(Part& part);
  [[nodiscard]] Status ReadFailures();
  void LookFor(const Failure& failure);
  // What is parked now of what is to be looked for.
  [[nodiscard]] Status AddLookedFor(Part& part);
  [[nodiscard]] bool IsWanted(ChannelId channel) const;

  const Store& store_;
  const FailureView failures_;
  v1::FailureFilter filter_;
  const JournalNumber last_;  // of the failures that count
  std::string parked_from_;
  bool done_ = false;

  // Of a walk through failures.
  std::optional<FailureQuery> query_;  // found once, like the next
  FailureReader::Records within_;
  FailureId failed_from_;
  bool failures_end_ = false;
  Part looked_for_;
  // What was looked for already: of retries, and of what one commit failed, there are many.
  Part looked_at_;
  std::size_t looked_at_runs_ = 0;
};

}  // namespace ackwire
