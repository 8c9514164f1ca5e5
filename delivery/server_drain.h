// ServerDrain empties the server before it ends: it does what a DrainPlan says, and has each hub
// close its own sessions.
//
// Threads:  WhenOver before the first Begin. Begin: any; the rest is the loop's.
// Lifetime: borrows all it is given; the loops have ended before it is destroyed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "delivery/drain_plan.h"
#include "delivery/io_loop.h"

namespace ackwire {

class Hub;

class ServerDrain {
 public:
  struct Dependencies {
    IoLoop& loop;
    DrainTimes times;
    // Visits each hub on its thread, one after the other, then calls `done` on the last one's.
    std::function<void(std::function<void(Hub&)> visit, std::function<void()> done)> visit_hubs;
    std::function<void(const std::string& why)> set_not_ready;
  };
  explicit ServerDrain(Dependencies dependencies) : deps_(std::move(dependencies)) {}

  // Once nothing is left to wait for: the server is to be ended. On any thread.
  void WhenOver(std::function<void()> over) { over_ = std::move(over); }

  struct Order {
    std::string by;                  // who asks for it: for the log
    std::optional<Duration> spread;  // none: as the flag says
  };
  // The server is not ready when it returns. `begun` is given how many sessions there are, on any
  // thread, before it may be over. Of a drain that is under way it changes nothing.
  void Begin(const Order& order, std::function<void(std::uint64_t sessions)> begun);

 private:
  void Start(const Order& order, std::uint64_t sessions);
  void Count(std::function<void(std::uint64_t sessions)> counted);
  void Look();
  void Act(std::uint64_t sessions);

  const Dependencies deps_;
  std::function<void()> over_;

  // Of the loop.
  std::optional<DrainPlan> plan_;
  Duration since_begin_{};
  std::unique_ptr<WakeTimer> grace_timer_;
  std::unique_ptr<WakeTimer> timeout_timer_;
};

}  // namespace ackwire
