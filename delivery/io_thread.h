// One I/O thread and what lives on it.
//
// Lifetime: the owner joins the thread before this goes.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

#include "delivery/asio_loop.h"
#include "delivery/client_directory.h"
#include "delivery/hub.h"

namespace ackwire {

struct IoThread {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  AsioLoop loop{context.get_executor()};
  std::optional<ClientDirectory> directory;
  std::optional<Hub> hub;
  std::thread thread;
  std::promise<void> ended;  // the loop has

  void Run() {
    thread = std::thread([this] {
      context.run();
      ended.set_value();
    });
  }
  // The loop ends by itself once all connections have. False: they had not in time, and were cut.
  // REQUIRES: `work` was given up.
  bool Join(std::chrono::milliseconds closing_time) {
    if (!thread.joinable()) return true;
    const bool in_time = ended.get_future().wait_for(closing_time) == std::future_status::ready;
    if (!in_time) context.stop();
    thread.join();
    return in_time;
  }
};

}  // namespace ackwire
