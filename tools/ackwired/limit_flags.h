// The flags that say who is let in, and how much of it.
#pragma once

#include "tools/ackwired/config.h"
#include "tools/ackwired/flags.h"

namespace ackwire {

void AddLimits(Flags& flags, Config& config);

}  // namespace ackwire
