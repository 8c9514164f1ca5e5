// IoLoop is an I/O thread as those who live on it see it: it runs their jobs one after the other,
// and wakes them. Where time comes from is the loop's: a server's follows the real one
// (delivery/asio_loop.h), a simulation's one of its own.
#pragma once

#include <functional>
#include <memory>

#include "delivery/wake_timer.h"

namespace ackwire {

// Threads:  Post from any, MakeTimer from the loop's.
// Lifetime: outlives whoever posts to it, and its timers.
class IoLoop {
 public:
  virtual ~IoLoop() = default;

  // Jobs run in the order in which they were posted.
  virtual void Post(std::function<void()> job) = 0;
  [[nodiscard]] virtual std::unique_ptr<WakeTimer> MakeTimer() = 0;
};

}  // namespace ackwire
