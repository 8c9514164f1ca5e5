// Waiting for a replay, as `replay start --wait` does.
#pragma once

#include <cstdint>
#include <functional>

#include "ackwire/v1/deliveries.pb.h"

namespace ackwire::ctl {

// How many of its deliveries were skipped, and how many are still open.
std::uint64_t SkippedOf(const v1::Replay& replay);
std::uint64_t OpenOf(const v1::Replay& replay);

// Asks again and again, with a progress bar, until all is settled or only clients that are offline
// are left. It goes on through a restart of the server, for which it waits too.
v1::Replay WaitFor(v1::Replay replay, const std::function<v1::Replay()>& ask);

// For scripts that wait: an error, unless nobody who was to get something is without it for good.
void ExpectDelivered(const v1::Replay& replay);

}  // namespace ackwire::ctl
