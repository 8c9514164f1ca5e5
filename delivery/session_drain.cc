#include "delivery/session_drain.h"

#include <algorithm>
#include <utility>

#include "delivery/hub.h"
#include "delivery/message_json.h"
#include "delivery/session.h"

namespace ackwire {

SessionDrain::SessionDrain(Hub& hub, std::unique_ptr<WakeTimer> timer, Order order)
    : hub_(hub),
      timer_(std::move(timer)),
      order_(std::move(order)),
      begun_(hub.now()),
      moments_(order_.spread, hub.rng()) {
  for (const auto& session : hub_.sessions()) Added(*session);
}

void SessionDrain::Added(Session& session) {
  const DrainMoments::Moment moment = moments_.Next();
  const Timestamp close_at = begun_ + moment.close_after;
  const bool first = closes_.empty() || close_at < closes_.begin()->first;
  closes_.emplace(close_at, session.weak_from_this());
  untold_[&session] = moment.reconnect_after;
  if (session.open()) Opened(session);
  if (first) Arm();
}

void SessionDrain::Opened(Session& session) {
  const auto untold = untold_.find(&session);
  if (untold == untold_.end()) return;
  session.SendDraining({.reconnect_after = untold->second, .reason = order_.reason});
  untold_.erase(untold);
}

void SessionDrain::Removed(Session& session) {
  untold_.erase(&session);
  if (hub_.sessions().empty()) order_.gone();
}

frame::Draining SessionDrain::ForNewcomer() {
  return {.reconnect_after = moments_.Next().reconnect_after, .reason = order_.reason};
}

Status SessionDrain::Refusal() const {
  return RetryIn(order_.spread, Error(StatusCode::kUnavailable,
                                      "the server is about to restart and opens no new sessions"));
}

void SessionDrain::Arm() {
  if (closes_.empty()) return;
  timer_->Arm(std::max(closes_.begin()->first - hub_.now(), Duration(0)), [this] { OnTime(); });
}

void SessionDrain::OnTime() {
  for (const Timestamp now = hub_.now(); !closes_.empty() && closes_.begin()->first <= now;) {
    const auto session = closes_.begin()->second.lock();
    closes_.erase(closes_.begin());
    if (session != nullptr) session->Shut(close_code::kServiceRestart, "the server restarts");
  }
  Arm();
}

}  // namespace ackwire
