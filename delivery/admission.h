// What a channel's policy makes of a message before it is stored.
//
// Threads: any.
#pragma once

#include "delivery/policies.h"
#include "store/status.h"
#include "store/work.h"

namespace ackwire {

// Gives it the policy's ttl where it has none. A withdrawal, which has no content, is always
// admitted, and never given a ttl: who has the message must learn that it is withdrawn.
//   kInvalidArgument  names the field, and what the channel takes
[[nodiscard]] Status Admit(const Policies& policies, PublishWork& work);

}  // namespace ackwire
