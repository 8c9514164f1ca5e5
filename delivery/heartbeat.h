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

  struct Options {
    Duration interval{};
    Duration timeout{};
    bool answered = true;  // false: nothing can be heard of the peer, and silence says nothing
  };
  explicit Heartbeat(const Options& options) : options_(options) {}

  void Start(Timestamp now) { heard_at_ = pinged_at_ = now; }
  void Heard(Timestamp now) { heard_at_ = now; }

  // What is due now; a ping that is due counts as sent.
  [[nodiscard]] Action OnTime(Timestamp now) {
    if (options_.answered && now - heard_at_ >= options_.timeout) return Action::kGiveUp;
    if (now - pinged_at_ < options_.interval) return Action::kNone;
    pinged_at_ = now;
    return Action::kPing;
  }

  [[nodiscard]] Timestamp NextEvent() const {
    const Timestamp ping = pinged_at_ + options_.interval;
    return options_.answered ? std::min(ping, heard_at_ + options_.timeout) : ping;
  }

 private:
  const Options options_;
  Timestamp heard_at_{};
  Timestamp pinged_at_{};
};

}  // namespace ackwire
