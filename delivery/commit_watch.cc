#include "delivery/commit_watch.h"

#include <algorithm>
#include <utility>

#include "store/failures.h"

namespace ackwire {

Offered CommitWatch::Offer(const SharedGroup& group) {
  if (!group->messages.empty()) Wake(waiting_for_messages_);
  const auto& events = group->record.events();
  if (std::any_of(events.begin(), events.end(), MakesFail)) Wake(waiting_for_failures_);
  return Offered::kTaken;
}

void CommitWatch::WhenCommitted(Position position, std::function<void()> wake) {
  WaitIn(waiting_for_messages_, std::move(wake),
         [&] { return derived_.last_position() > position; });
}

void CommitWatch::WhenFailed(JournalNumber number, std::function<void()> wake) {
  WaitIn(waiting_for_failures_, std::move(wake), [&] { return derived_.last_number() > number; });
}

void CommitWatch::WaitIn(Wakes& waiting, std::function<void()> wake,
                         const std::function<bool()>& is_more) {
  {
    // A group is in the derived state before it is offered, so one of the two sees it.
    std::lock_guard lock(mutex_);
    if (!is_more()) {
      waiting.push_back(std::move(wake));
      return;
    }
  }
  wake();
}

void CommitWatch::Wake(Wakes& waiting) {
  Wakes woken;
  {
    std::lock_guard lock(mutex_);
    woken.swap(waiting);
  }
  for (const auto& wake : woken) wake();
}

}  // namespace ackwire
