#include "delivery/wake_timer.h"

#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace ackwire {

struct WakeTimer::Timer {
  boost::asio::steady_timer timer;
};

WakeTimer::WakeTimer(const boost::asio::any_io_executor& executor)
    : timer_(new Timer{boost::asio::steady_timer(executor)}) {}

WakeTimer::~WakeTimer() = default;

void WakeTimer::Arm(Duration after, std::function<void()> job) {
  timer_->timer.expires_after(after);  // cancels the wait under way
  timer_->timer.async_wait([job = std::move(job)](const boost::system::error_code& ec) {
    if (!ec) job();
  });
}

void WakeTimer::Cancel() { timer_->timer.cancel(); }

}  // namespace ackwire
