#include "store/writer_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "store/crash_point.h"

namespace ackwire {

Status NoMoreWrites(const Status& why) {
  return Error(StatusCode::kUnavailable, "the log takes no more writes: " + MessageOf(why));
}

void WriterQueue::Submit(Work work) {
  const std::size_t bytes = SizeOf(work);
  Status admitted;
  {
    std::lock_guard lock(mutex_);
    admitted = Admit(work, bytes);
    if (admitted.ok()) {
      queue_.push_back(std::move(work));
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
  if (queue_.size() < kQueuedWorksMax && queued_bytes_ + bytes <= kQueuedBytesMax) {
    return OkStatus();
  }
  return Error(StatusCode::kResourceExhausted,
               "the writer's queue is full (" + std::to_string(queue_.size()) + " works, " +
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
  const auto something = [this] { return closed_ || !queue_.empty(); };
  if (failure_.ok() && writer_.behind()) {
    arrived_.wait_for(lock, kWatermarkInterval, something);
  } else {
    arrived_.wait(lock, something);
  }
  return !closed_ || !queue_.empty();
}

std::vector<Work> WriterQueue::TakeGroup() {
  std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < queue_.size() && count < kGroupWorksMax && bytes < kGroupBytesMax) {
    bytes += SizeOf(queue_[count++]);
  }
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Work> works(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  queued_bytes_ -= std::min(bytes, queued_bytes_);
  return works;
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
  std::vector<Work> works = TakeGroup();
  if (works.empty()) {
    CatchUp();
    return false;
  }
  CommitGroup(works);
  return true;
}

void WriterQueue::CatchUp() {
  if (!failure().ok()) return;
  if (Status status = writer_.CatchUp(); !status.ok()) Fail(NoMoreWrites(status));
}

void WriterQueue::CommitGroup(std::vector<Work>& works) {
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
