#include "delivery/asio_loop.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace ackwire {

void AsioTimer::Arm(Duration after, std::function<void()> job) {
  timer_.expires_after(after);  // cancels the wait under way
  timer_.async_wait([job = std::move(job)](const boost::system::error_code& ec) {
    if (!ec) job();
  });
}

void AsioLoop::Post(std::function<void()> job) { boost::asio::post(executor_, std::move(job)); }

}  // namespace ackwire
