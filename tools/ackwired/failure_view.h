// FailureView shows failures as the contract has them: what a filter asks for, and what has become
// since of the deliveries that failed.
//
// Threads:  any; blocks on disk.
// Lifetime: borrows both.
#pragma once

#include <cstddef>
#include <optional>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/run_states.h"
#include "store/clock.h"
#include "store/failure_reader.h"
#include "store/status.h"
#include "store/store.h"
#include "tools/ackwired/paging.h"

namespace ackwire {

//   kInvalidArgument  a name is none, a reason is unknown, or a message id has no channel with it
[[nodiscard]] Status CheckFilter(const v1::FailureFilter& filter);

// Of so many failures it is found out for one page whether they are open.
inline constexpr std::size_t kOpenLookedAtMax = 1'000;

class FailureView {
 public:
  FailureView(const Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // REQUIRES: the request's filter passes CheckFilter.
  //   kInvalidArgument  the page token is none
  [[nodiscard]] StatusOr<v1::ListFailuresResponse> List(const v1::ListFailuresRequest& request,
                                                        const PageQuery& page) const;

  // What is to be read for a filter, all but whether it is open; none where nothing can match.
  //   kDataLoss  the message that it names is damaged
  [[nodiscard]] StatusOr<std::optional<FailureQuery>> QueryFor(
      const v1::FailureFilter& filter) const;
  // A part of what the filter asks for; as FailureReader::List, and with `open_only` no more than
  // kOpenLookedAtMax failures are looked at.
  [[nodiscard]] StatusOr<FailureReader::Page> Read(const v1::FailureFilter& filter,
                                                   const FailureReader::Part& part) const;
  [[nodiscard]] StatusOr<v1::Failure> Describe(const Failure& failure) const;

 private:
  [[nodiscard]] StatusOr<FailureReader::Page> ReadOpen(const FailureQuery& query,
                                                       const FailureReader::Part& part) const;
  [[nodiscard]] v1::Failure Describe(const Failure& failure, const StateCounts& now) const;

  const Store& store_;
  const Clock& clock_;
};

}  // namespace ackwire
