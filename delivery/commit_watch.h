// CommitWatch wakes whoever waits for the log to grow: readers that follow it.
//
// Threads: any. `wake` is called on the caller's thread or the relay's, and must not block.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "outbox/sink.h"
#include "store/derived.h"

namespace ackwire {

class CommitWatch final : public Sink {
 public:
  explicit CommitWatch(const Derived& derived) : derived_(derived) {}

  [[nodiscard]] Offered Offer(const SharedGroup& group) override;

  // Calls `wake` once, when something is committed beyond `position`; at once if it is already.
  void WhenCommitted(Position position, std::function<void()> wake);

 private:
  const Derived& derived_;
  std::mutex mutex_;  // guards waiting_
  std::vector<std::function<void()>> waiting_;
};

}  // namespace ackwire
