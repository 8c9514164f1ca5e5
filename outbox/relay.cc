#include "outbox/relay.h"

#include <algorithm>

namespace ackwire {
namespace {

// A checkpoint costs a write, and a late one costs only repetition after a crash.
constexpr Duration kCheckpointInterval{1000};

std::size_t BytesOf(const CommittedGroup& group) {
  constexpr std::size_t kOverheadBytes = 256;
  std::size_t bytes = group.record.ByteSizeLong();
  for (const StoredMessage& stored : group.messages) {
    bytes += stored.message.payload().size() + kOverheadBytes;
  }
  return bytes;
}

}  // namespace

Status Relay::Load(std::vector<Sink*> sinks) {
  const StatusOr<OutboxPoint> checkpoint = rows_.LoadCheckpoint();
  if (!checkpoint.ok()) return checkpoint.status();
  const StatusOr<std::uint64_t> waiting = rows_.CountAfter(*checkpoint);
  if (!waiting.ok()) return waiting.status();
  checkpoint_ = *checkpoint;
  checkpoint_at_ = clock_.Now();
  StatusOr<SharedGroup> oldest = SharedGroup();
  if (*waiting != 0) oldest = rows_.Next(*checkpoint);
  if (!oldest.ok()) return oldest.status();
  for (Sink* sink : sinks) cursors_.push_back({.sink = sink, .point = *checkpoint});
  std::lock_guard lock(mutex_);
  committed_ = *waiting;
  if (*oldest != nullptr) oldest_pending_at_ = (*oldest)->at;
  // What the outbox holds now is read from there; after that, commits come through memory.
  before_recent_ = *checkpoint;
  if (*waiting != 0) before_recent_ = OutboxPoint{Position{~0ULL}, JournalNumber{~0ULL}};
  return OkStatus();
}

void Relay::Committed(const SharedGroup& group) {
  std::lock_guard lock(mutex_);
  if (committed_ == taken_by_all_) oldest_pending_at_ = group->at;
  ++committed_;
  recent_.push_back(group);
  recent_bytes_ += BytesOf(*group);
  while (recent_.size() > kRecentGroupsMax || recent_bytes_ > kRecentBytesMax) PopRecent();
}

Status Relay::Step(const StepOptions& options) {
  for (Cursor& cursor : cursors_) {
    if (Status status = Feed(cursor); !status.ok()) return status;
  }
  if (cursors_.empty()) return OkStatus();
  Forget(Slowest());
  const bool due = clock_.Now() - checkpoint_at_ >= kCheckpointInterval;
  return options.checkpoint_now || due ? Checkpoint() : OkStatus();
}

const Relay::Cursor& Relay::Slowest() const {
  return *std::min_element(cursors_.begin(), cursors_.end(),
                           [](const Cursor& a, const Cursor& b) { return a.point < b.point; });
}

Status Relay::Feed(Cursor& cursor) {
  for (;;) {
    const StatusOr<SharedGroup> next = NextFor(cursor);
    if (!next.ok()) return next.status();
    cursor.full = *next != nullptr && cursor.sink->Offer(*next) == Offered::kFull;
    if (cursor.full) cursor.refused_at = (*next)->at;
    if (cursor.full || *next == nullptr) return OkStatus();
    cursor.point = PointOf(**next);
    ++cursor.taken;
  }
}

void Relay::Forget(const Cursor& slowest) {
  std::lock_guard lock(mutex_);
  while (!recent_.empty() && PointOf(*recent_.front()) <= slowest.point) PopRecent();
  taken_by_all_ = slowest.taken;
  if (slowest.full) {
    oldest_pending_at_ = slowest.refused_at;
  } else if (!recent_.empty()) {
    oldest_pending_at_ = recent_.front()->at;
  }
}

void Relay::PopRecent() {
  recent_bytes_ -= BytesOf(*recent_.front());
  before_recent_ = PointOf(*recent_.front());
  recent_.pop_front();
}

StatusOr<SharedGroup> Relay::NextFor(const Cursor& cursor) const {
  const OutboxPoint point = cursor.point;
  {
    std::lock_guard lock(mutex_);
    // The outbox may have a row of which Committed has not told yet. It is not for the sinks
    // either: the derived state, which they read next, is not that far.
    if (cursor.taken >= committed_) return SharedGroup();
    if (!recent_.empty() && point >= before_recent_) {
      const auto next = std::upper_bound(
          recent_.begin(), recent_.end(), point,
          [](OutboxPoint value, const SharedGroup& group) { return value < PointOf(*group); });
      return next == recent_.end() ? SharedGroup() : *next;
    }
  }
  StatusOr<SharedGroup> next = rows_.Next(point);
  if (!next.ok() || *next != nullptr) return next;
  return Error(StatusCode::kDataLoss, "outbox: the rows after position " +
                                          std::to_string(point.last.value) + " are missing");
}

Status Relay::Checkpoint() {
  checkpoint_at_ = clock_.Now();
  const OutboxPoint point = Slowest().point;
  if (point == checkpoint_) return OkStatus();
  if (Status status = rows_.Trim(point); !status.ok()) return status;
  checkpoint_ = point;
  return OkStatus();
}

OutboxDepth Relay::depth() const {
  std::lock_guard lock(mutex_);
  if (committed_ <= taken_by_all_) return {};
  return {committed_ - taken_by_all_, clock_.Now() - oldest_pending_at_};
}

}  // namespace ackwire
