#include "delivery/commit_watch.h"

#include <utility>

namespace ackwire {

Offered CommitWatch::Offer(const SharedGroup& group) {
  if (group->messages.empty()) return Offered::kTaken;
  std::vector<std::function<void()>> waiting;
  {
    std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& wake : waiting) wake();
  return Offered::kTaken;
}

void CommitWatch::WhenCommitted(Position position, std::function<void()> wake) {
  {
    // A group is in the derived state before it is offered, so one of the two sees it.
    std::lock_guard lock(mutex_);
    if (derived_.last_position() <= position) {
      waiting_.push_back(std::move(wake));
      return;
    }
  }
  wake();
}

}  // namespace ackwire
