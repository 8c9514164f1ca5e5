// Coroutines: how one waits, and starts one that runs by itself; what that throws goes to the log.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

namespace ackwire {

// What an operation is waited for with: `auto [ec, size] = co_await stream.async_read(…, kAwait)`.
inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

void LogFailure(const char* what, const std::exception_ptr& failure);

inline void Spawn(const boost::asio::any_io_executor& executor,
                  boost::asio::awaitable<void> coroutine, const char* what) {
  boost::asio::co_spawn(executor, std::move(coroutine), [what](const std::exception_ptr& failure) {
    if (failure) LogFailure(what, failure);
  });
}

}  // namespace ackwire
