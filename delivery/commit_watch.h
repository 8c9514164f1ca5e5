// CommitWatch wakes whoever waits for log or journal to grow: readers that follow them.
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
  // The same when something is recorded beyond `number` that may be a failure; at once if there is
  // any record beyond it.
  void WhenFailed(JournalNumber number, std::function<void()> wake);

 private:
  using Wakes = std::vector<std::function<void()>>;

  // Keeps `wake` in `waiting`, or calls it when there `is_more` already.
  void WaitIn(Wakes& waiting, std::function<void()> wake, const std::function<bool()>& is_more);
  void Wake(Wakes& waiting);

  const Derived& derived_;
  std::mutex mutex_;  // guards both
  Wakes waiting_for_messages_;
  Wakes waiting_for_failures_;
};

}  // namespace ackwire
