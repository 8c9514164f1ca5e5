#include "delivery/server_drain.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "delivery/hub.h"
#include "delivery/outlet.h"

namespace ackwire {
namespace {

constexpr char kReason[] = "restart";

std::string InWords(Duration duration) {
  return fmt::format("{} s", static_cast<double>(duration.count()) / 1000);
}

}  // namespace

void ServerDrain::Begin(const Order& order, std::function<void(std::uint64_t)> begun) {
  deps_.set_not_ready("draining: the server is about to end");
  Count([this, order, begun = std::move(begun)](std::uint64_t sessions) {
    begun(sessions);
    deps_.loop.Post([this, order, sessions] { Start(order, sessions); });
  });
}

void ServerDrain::Start(const Order& order, std::uint64_t sessions) {
  if (plan_) {
    spdlog::info("drain: {} asks for it again, {} sessions are left", order.by, sessions);
    return;
  }
  DrainTimes times = deps_.times;
  times.spread = order.spread.value_or(times.spread);
  plan_.emplace(times);
  const auto arm = [this](std::unique_ptr<WakeTimer>& timer, Duration at) {
    timer = deps_.loop.MakeTimer();
    timer->Arm(at, [this, at] {
      since_begin_ = std::max(since_begin_, at);
      Look();
    });
  };
  arm(grace_timer_, times.grace);
  arm(timeout_timer_, times.timeout);
  spdlog::info(
      "drain: begun by {}, with {} sessions. Not ready from now on; new sessions are taken for {}, "
      "then all are closed within {}, and {} after the beginning at the latest the server ends",
      order.by, sessions, InWords(times.grace), InWords(times.spread), InWords(times.timeout));
  if (!times.fit()) {
    spdlog::warn(
        "drain: the sessions that are left after {} are closed all at once; --drain-timeout "
        "is more than grace and spread together where none should be",
        InWords(times.timeout));
  }
}

void ServerDrain::Count(std::function<void(std::uint64_t)> counted) {
  auto sessions = std::make_shared<std::uint64_t>(0);
  deps_.visit_hubs([sessions](Hub& hub) { *sessions += hub.sessions().size(); },
                   [sessions, counted = std::move(counted)] { counted(*sessions); });
}

void ServerDrain::Look() {
  Count([this](std::uint64_t sessions) { deps_.loop.Post([this, sessions] { Act(sessions); }); });
}

void ServerDrain::Act(std::uint64_t sessions) {
  switch (plan_->At({since_begin_, sessions})) {
    case DrainPlan::Action::kNone:
      return;
    case DrainPlan::Action::kCloseSessions:
      spdlog::info("drain: the grace is over; {} sessions are told to come again, and closed",
                   sessions);
      return deps_.visit_hubs(
          [this](Hub& hub) {
            hub.Drain(
                {.spread = plan_->times().spread, .reason = kReason, .gone = [this] { Look(); }});
          },
          [this] { Look(); });  // they may all have gone meanwhile
    case DrainPlan::Action::kCutSessions:
      spdlog::warn("drain: {} sessions are left after {}; they are closed now", sessions,
                   InWords(plan_->times().timeout));
      return deps_.visit_hubs(
          [](Hub& hub) { hub.ShutAll(close_code::kServiceRestart, "the server restarts"); },
          [this] { over_(); });
    case DrainPlan::Action::kEnd:
      spdlog::info("drain: no session is left; the server ends");
      return over_();
  }
}

}  // namespace ackwire
