// Dismissing what is parked: as many works of the writer as there are clients and channels, some of
// them under way at a time.
//
// Threads:  StartDismissal from any; `done` comes once, on one of the server's threads.
// Lifetime: borrows all that `deps` names until then.
// Bounds:   a part of a ParkedWalk in memory, kDismissalsUnderWayMax works under way.
#pragma once

#include <cstdint>
#include <functional>

#include "ackwire/v1/deliveries.pb.h"
#include "store/status.h"
#include "tools/ackwired/services.h"
#include "tools/ackwired/steps.h"

namespace ackwire {

inline constexpr std::size_t kDismissalsUnderWayMax = 256;

// Names at least one criterion, is a filter at all, and the note is none too long.
[[nodiscard]] Status CheckDismissal(const v1::DismissFailuresRequest& request);

// An error that ended a dismissal, with how many deliveries were dismissed until then.
[[nodiscard]] Status WithDismissed(const Status& status, std::uint64_t dismissed);

// Dismisses what the request names, and says how many deliveries that were. REQUIRES: it passes
// CheckDismissal. What is dismissed before an error, or until it is not wanted any more, stays so,
// and the error says how many that were.
struct DismissalCalls {
  StillWanted wanted;
  std::function<void(StatusOr<std::uint64_t>)> done;
};
void StartDismissal(const ServiceDependencies& deps, const v1::DismissFailuresRequest& request,
                    DismissalCalls calls);

}  // namespace ackwire
