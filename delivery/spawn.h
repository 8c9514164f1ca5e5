// Starts a coroutine that runs by itself; what it throws goes to the log.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

namespace ackwire {

void LogFailure(const char* what, const std::exception_ptr& failure);

inline void Spawn(const boost::asio::any_io_executor& executor,
                  boost::asio::awaitable<void> coroutine, const char* what) {
  boost::asio::co_spawn(executor, std::move(coroutine), [what](const std::exception_ptr& failure) {
    if (failure) LogFailure(what, failure);
  });
}

}  // namespace ackwire
