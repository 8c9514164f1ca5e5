// WakeTimer calls a job once, after a while, on the thread of the loop that made it
// (delivery/io_loop.h).
//
// Threads:  the loop's.
// Lifetime: a job that is still to come is not called after the timer is gone.
#pragma once

#include <functional>

#include "store/types.h"

namespace ackwire {

class WakeTimer {
 public:
  virtual ~WakeTimer() = default;

  // Takes the place of what was armed before, unless that is on its way to be called already.
  virtual void Arm(Duration after, std::function<void()> job) = 0;
  virtual void Cancel() = 0;
};

}  // namespace ackwire
