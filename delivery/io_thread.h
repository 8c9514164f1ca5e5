// One I/O thread and what lives on it.
//
// Lifetime: the owner joins the thread before this goes.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <thread>

#include "delivery/asio_loop.h"
#include "delivery/client_directory.h"
#include "delivery/hub.h"
#include "delivery/wake_timer.h"

namespace ackwire {

struct IoThread {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  AsioLoop loop{context.get_executor()};
  std::optional<ClientDirectory> directory;
  std::optional<Hub> hub;
  std::unique_ptr<WakeTimer> closing;
  std::thread thread;
};

}  // namespace ackwire
