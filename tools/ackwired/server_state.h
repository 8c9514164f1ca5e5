// What the server says of itself: since when it runs, whether it drains, whether it takes writes.
//
// Threads: any.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "store/types.h"

namespace ackwire {

class ServerState {
 public:
  explicit ServerState(Timestamp started_at) : started_at_(started_at) {}

  // From now on no writes are taken, for this reason; the first reason stays. Whether it is this.
  bool RefuseWrites(const std::string& why);

  void SetDraining() { draining_ = true; }

  [[nodiscard]] Timestamp started_at() const { return started_at_; }
  [[nodiscard]] bool draining() const { return draining_; }
  // Empty while writes are taken.
  [[nodiscard]] std::string refused_because() const;

 private:
  const Timestamp started_at_;
  std::atomic<bool> draining_ = false;

  mutable std::mutex mutex_;  // guards the next
  std::string refused_because_;
};

}  // namespace ackwire
