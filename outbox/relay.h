// Relay carries committed groups to its sinks, each group once to each sink, in order. A sink that
// keeps up gets the very object that was committed; for one that lags, and after a restart, the
// same commits are read from the outbox.
//
// Durable:  the checkpoint is behind everything that all sinks have taken. A crash may lose the
//           newest checkpoint; then commits are handed over again.
// Threads:  Committed by the writer thread; depth from any; Load and Step by one thread
//           (outbox/relay_thread.h), and they may block on disk.
// Bounds:   in memory are only groups that some sink has yet to take, at most kRecentBytesMax of
//           payload and kRecentGroupsMax of them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "outbox/sink.h"
#include "store/clock.h"
#include "store/outbox_rows.h"
#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kRecentGroupsMax = 4096;
inline constexpr std::size_t kRecentBytesMax = 64ULL << 20U;

struct OutboxDepth {
  std::uint64_t commits = 0;  // not yet taken by every sink
  Duration oldest_age{};      // of the oldest of them
};

class Relay {
 public:
  // Borrows both; `rows` is used by Step only.
  Relay(OutboxRows& rows, const Clock& clock) : rows_(rows), clock_(clock) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Reads the checkpoint; every sink starts there. REQUIRES: before Step and the first commit.
  [[nodiscard]] Status Load(std::vector<Sink*> sinks);

  // The writer has committed this group; groups come in order.
  void Committed(const SharedGroup& group);

  // Offers what there is until every sink has all or is full, then writes the checkpoint when it is
  // due (or `checkpoint_now`).
  //   kDataLoss, kUnavailable  the outbox could not be read or trimmed
  struct StepOptions {
    bool checkpoint_now = false;
  };
  [[nodiscard]] Status Step(const StepOptions& options);

  [[nodiscard]] OutboxDepth depth() const;

 private:
  struct Cursor {
    Sink* sink;
    OutboxPoint point;        // the last commit that the sink has taken
    std::uint64_t taken = 0;  // commits since the checkpoint that Load found
    Timestamp refused_at{};   // when the commit that the sink was too full for was committed
    bool full = false;
  };

  // The cursor that is furthest behind. REQUIRES: there is one.
  [[nodiscard]] const Cursor& Slowest() const;
  // Gives the cursor's sink all it takes.
  [[nodiscard]] Status Feed(Cursor& cursor);
  // All sinks have what the slowest has: memory need not hold it.
  void Forget(const Cursor& slowest);
  void PopRecent();
  // The commit after the cursor: from memory, else from the outbox; null when there is none.
  [[nodiscard]] StatusOr<SharedGroup> NextFor(const Cursor& cursor) const;
  [[nodiscard]] Status Checkpoint();

  OutboxRows& rows_;
  const Clock& clock_;

  // Of the thread that calls Step.
  std::vector<Cursor> cursors_;
  OutboxPoint checkpoint_;
  Timestamp checkpoint_at_{};

  mutable std::mutex mutex_;  // guards all below
  OutboxPoint before_recent_;
  std::deque<SharedGroup> recent_;  // the newest commits, without a gap
  std::size_t recent_bytes_ = 0;
  std::uint64_t committed_ = 0;  // commits since the checkpoint that Load found
  std::uint64_t taken_by_all_ = 0;
  Timestamp oldest_pending_at_{};
};

}  // namespace ackwire
