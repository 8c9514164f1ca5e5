#include "store/writer_queue.h"

#include <utility>

#include "store/crash_point.h"

namespace ackwire {

Status NoMoreWrites(const Status& why) {
  return Error(StatusCode::kUnavailable, "the log takes no more writes: " + MessageOf(why));
}

void WriterQueue::Submit(Work&& work) {
  Prepare(work);
  const std::size_t bytes = SizeOf(work);
  Status admitted;
  {
    std::lock_guard lock(mutex_);
    admitted = Admit(work, bytes);
    if (admitted.ok()) {
      queue_.push_back(std::move(work));
      queue_bytes_.push_back(bytes);
      queued_works_ += 1;
      queued_bytes_ += bytes;
    }
  }
  if (admitted.ok()) {
    arrived_.notify_one();
  } else {
    Refuse(work, admitted);
  }
}

Status WriterQueue::Admit(const Work& work, std::size_t bytes) const {
  if (!failure_.ok()) return failure_;
  if (closed_) return Error(StatusCode::kUnavailable, "the server is stopping");
  if (std::holds_alternative<JournalWork>(work)) return OkStatus();
  if (queued_works_ < kQueuedWorksMax && queued_bytes_ + bytes <= kQueuedBytesMax) {
    return OkStatus();
  }
  return Error(StatusCode::kResourceExhausted,
               "the writer's queue is full (" + std::to_string(queued_works_) + " works, " +
                   std::to_string(queued_bytes_) + " bytes); try again");
}

void WriterQueue::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  arrived_.notify_one();
}

bool WriterQueue::Wait() {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return closed_ || queued_works_ > 0; };
  if (failure_.ok() && writer_.behind()) {
    arrived_.wait_for(lock, kWatermarkInterval, something);
  } else {
    arrived_.wait(lock, something);
  }
  return !closed_ || queued_works_ > 0;
}

std::span<Work> WriterQueue::NextGroup() {
  if (next_ == taken_.size()) TakeQueue();
  const std::size_t first = next_;
  std::size_t bytes = 0;
  while (next_ < taken_.size() && next_ - first < kGroupWorksMax && bytes < kGroupBytesMax) {
    bytes += taken_bytes_[next_++];
  }
  std::lock_guard lock(mutex_);
  queued_works_ -= next_ - first;
  queued_bytes_ -= bytes;
  return std::span(taken_).subspan(first, next_ - first);
}

void WriterQueue::TakeQueue() {
  taken_.clear();
  taken_bytes_.clear();
  next_ = 0;
  std::lock_guard lock(mutex_);
  taken_.swap(queue_);
  taken_bytes_.swap(queue_bytes_);
}

void WriterQueue::GiveMemoryBack() {
  taken_.shrink_to_fit();
  taken_bytes_.shrink_to_fit();
  std::lock_guard lock(mutex_);
  if (!queue_.empty()) return;
  queue_.shrink_to_fit();
  queue_bytes_.shrink_to_fit();
}

Status WriterQueue::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

void WriterQueue::Fail(const Status& why) {
  {
    std::lock_guard lock(mutex_);
    if (!failure_.ok()) return;
    failure_ = why;
  }
  listeners_.failed(why);
}

bool WriterQueue::Step() {
  const std::span<Work> works = NextGroup();
  if (works.empty()) {
    CatchUp();
    GiveMemoryBack();
    return false;
  }
  CommitGroup(works);
  if (next_ == taken_.size()) TakeQueue();  // nobody waits for the next work to be rid of these
  return true;
}

void WriterQueue::CatchUp() {
  if (!failure().ok()) return;
  if (Status status = writer_.CatchUp(); !status.ok()) Fail(NoMoreWrites(status));
}

void WriterQueue::CommitGroup(std::span<Work> works) {
  if (failure().ok()) {
    const StatusOr<SharedGroup> group = writer_.Commit(works);
    if (group.ok()) {
      for (Work& work : works) Answer(work);
      CrashPoint(crash::kAfterAnswer);
      if (*group != nullptr) listeners_.committed(*group);
      return;
    }
    // What reached the disk is not known, so nothing is tried again.
    Fail(NoMoreWrites(group.status()));
  }
  const Status why = failure();
  for (Work& work : works) Refuse(work, why);
}

}  // namespace ackwire
