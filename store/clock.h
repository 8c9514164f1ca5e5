// Time as a constructor parameter. Only tools make a real one.
#pragma once

#include "store/types.h"

namespace ackwire {

// Threads: Now may be called from any.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back within a process, so deadlines may be computed from it.
  [[nodiscard]] virtual Timestamp Now() const = 0;
};

}  // namespace ackwire
