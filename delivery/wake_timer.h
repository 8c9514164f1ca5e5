// WakeTimer calls a job once, after a while, on its executor's thread.
//
// Threads:  the executor's, which has one.
// Lifetime: a job that is still to come is not called after the timer is gone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "store/types.h"

namespace ackwire {

class WakeTimer {
 public:
  explicit WakeTimer(const boost::asio::any_io_executor& executor);
  ~WakeTimer();
  WakeTimer(const WakeTimer&) = delete;
  WakeTimer& operator=(const WakeTimer&) = delete;

  // Takes the place of what was armed before.
  void Arm(Duration after, std::function<void()> job);
  void Cancel();

 private:
  struct Timer;
  const std::unique_ptr<Timer> timer_;
};

}  // namespace ackwire
