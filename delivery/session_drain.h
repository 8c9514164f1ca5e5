// SessionDrain closes the sessions of one hub with 1012, each at a moment of its own, and tells
// each in time when to come again. While there is one, the hub opens no new session; one that was
// being opened is told and closed like the others.
//
// Threads:  the hub's.
// Lifetime: owned by the hub, which outlives it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "delivery/drain_plan.h"
#include "delivery/server_frame.h"
#include "delivery/wake_timer.h"
#include "store/status.h"

namespace ackwire {

class Hub;
class Session;

class SessionDrain {
 public:
  struct Order {
    Duration spread{};
    std::string reason;          // what clients are told
    std::function<void()> gone;  // called whenever no session is left
  };
  SessionDrain(Hub& hub, std::unique_ptr<WakeTimer> timer, Order order);

  // From the hub: a session is there; it is open; it has ended.
  void Added(Session& session);
  void Opened(Session& session);
  void Removed(Session& session);

  // What somebody is told who would open an event stream.
  [[nodiscard]] frame::Draining ForNewcomer();

  // Why no session is opened, and when to ask again: a spread later. Then this process has ended,
  // and who came at one time comes at one time again: what was spread stays so.
  [[nodiscard]] Status Refusal() const;

 private:
  void OnTime();
  void Arm();

  Hub& hub_;
  const std::unique_ptr<WakeTimer> timer_;
  const Order order_;
  const Timestamp begun_;
  DrainMoments moments_;
  std::multimap<Timestamp, std::weak_ptr<Session>> closes_;
  absl::flat_hash_map<const Session*, Duration> untold_;  // not open yet: when to come again
};

}  // namespace ackwire
