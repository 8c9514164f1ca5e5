// FailureView shows failures as the contract has them: what a filter asks for, and what has become
// since of the deliveries that failed.
//
// Threads:  any; blocks on disk.
// Lifetime: borrows both.
#pragma once

#include <cstdint>
#include <map>

#include "ackwire/v1/deliveries.pb.h"
#include "store/clock.h"
#include "store/failure_reader.h"
#include "store/status.h"
#include "store/store.h"
#include "tools/ackwired/paging.h"

namespace ackwire {

//   kInvalidArgument  a name is none, a reason is unknown, or a message id has no channel with it
[[nodiscard]] Status CheckFilter(const v1::FailureFilter& filter);

class FailureView {
 public:
  FailureView(const Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // REQUIRES: the request's filter passes CheckFilter.
  //   kInvalidArgument  the page token is none
  [[nodiscard]] StatusOr<v1::ListFailuresResponse> List(const v1::ListFailuresRequest& request,
                                                        const PageQuery& page) const;

  // A part of what the filter asks for.
  [[nodiscard]] StatusOr<FailureReader::Page> Read(const v1::FailureFilter& filter,
                                                   const FailureReader::Part& part) const;
  [[nodiscard]] StatusOr<v1::Failure> Describe(const Failure& failure) const;

 private:
  [[nodiscard]] StatusOr<std::map<v1::DeliveryState, std::uint64_t>> StatesOf(
      const Failure& failure) const;
  [[nodiscard]] StatusOr<bool> IsOpen(const Failure& failure) const;

  const Store& store_;
  const Clock& clock_;
};

}  // namespace ackwire
