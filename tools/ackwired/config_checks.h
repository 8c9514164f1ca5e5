// What must hold of the flags together.
//
// Threads: any.
#pragma once

#include "store/status.h"
#include "tools/ackwired/config.h"

namespace ackwire {

// Flags that say nothing without each other, or contradict each other.
//   kInvalidArgument  names the flag, what was wrong and what would be right
[[nodiscard]] Status CheckTogether(const Config& config);

// Who may connect: everybody where callers prove who they are, and else this machine only. gRPC,
// which operators use, takes mutual TLS from anywhere else.
//   kFailedPrecondition  names the listener's flag, and those that are missing
[[nodiscard]] Status CheckListeners(const Config& config);

}  // namespace ackwire
