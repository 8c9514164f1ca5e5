// Heartbeat decides when to ping a peer and when to give it up. Any frame proves the peer alive.
//
// Threads: one owner.
#pragma once

#include <algorithm>

#include "store/types.h"

namespace ackwire {

class Heartbeat {
 public:
  enum class Action { kNone, kPing, kGiveUp };

  Heartbeat(Duration interval, Duration timeout) : interval_(interval), timeout_(timeout) {}

  void Start(Timestamp now) { heard_at_ = pinged_at_ = now; }
  void Heard(Timestamp now) { heard_at_ = now; }

  // What is due now; a ping that is due counts as sent.
  [[nodiscard]] Action OnTime(Timestamp now) {
    if (now - heard_at_ >= timeout_) return Action::kGiveUp;
    if (now - pinged_at_ < interval_) return Action::kNone;
    pinged_at_ = now;
    return Action::kPing;
  }

  [[nodiscard]] Timestamp NextEvent() const {
    return std::min(pinged_at_ + interval_, heard_at_ + timeout_);
  }

 private:
  const Duration interval_;
  const Duration timeout_;
  Timestamp heard_at_{};
  Timestamp pinged_at_{};
};

}  // namespace ackwire
