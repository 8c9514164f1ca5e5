// AsioLoop and AsioTimer: an io_context's thread as an IoLoop, by the real time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "delivery/io_loop.h"

namespace ackwire {

// Threads: the executor's, which has one.
class AsioTimer final : public WakeTimer {
 public:
  explicit AsioTimer(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void Arm(Duration after, std::function<void()> job) override;
  void Cancel() override { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

class AsioLoop final : public IoLoop {
 public:
  explicit AsioLoop(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  void Post(std::function<void()> job) override;
  [[nodiscard]] std::unique_ptr<WakeTimer> MakeTimer() override {
    return std::make_unique<AsioTimer>(executor_);
  }

 private:
  const boost::asio::any_io_executor executor_;
};

}  // namespace ackwire
