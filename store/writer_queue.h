// WriterQueue holds what the writer is asked to do until a thread commits it, a group at a time,
// and tells everybody what came of it.
//
// Threads:  Submit, Fail and Close from any; Wait and Step by one, the writer thread
//           (store/writer_thread.h), where the callbacks run, in the order of the works.
// Lifetime: what is queued when it is destroyed is not answered.
// Bounds:   kQueuedBytesMax and kQueuedWorksMax; a publish or subscribe beyond them is refused at
//           once. Journal works are always taken: what they tell has happened already.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "store/committed_group.h"
#include "store/status.h"
#include "store/work.h"
#include "store/writer.h"

namespace ackwire {

inline constexpr std::size_t kQueuedBytesMax = 64ULL << 20U;
inline constexpr std::size_t kQueuedWorksMax = 100'000;

// What is told when the log takes no more writes because of `why`.
[[nodiscard]] Status NoMoreWrites(const Status& why);

class WriterQueue {
 public:
  struct Listeners {
    // Called for each commit, in order, once its works are answered.
    std::function<void(const SharedGroup&)> committed;
    // Called once, when a commit failed (or Fail was called) and no more writes are taken.
    std::function<void(const Status&)> failed;
  };

  WriterQueue(Writer& writer, Listeners listeners)
      : writer_(writer), listeners_(std::move(listeners)) {}
  WriterQueue(const WriterQueue&) = delete;
  WriterQueue& operator=(const WriterQueue&) = delete;

  // Takes the work, or answers it at once with kResourceExhausted (the queue is full) or
  // kUnavailable (a commit failed, or the server is stopping).
  void Submit(Work&& work);

  // No more writes are taken, and what is queued is refused. The first failure counts.
  void Fail(const Status& why);

  // What is submitted from now on is refused.
  void Close();

  // Blocks until Step has something to do; false before the last one: closed, and empty.
  [[nodiscard]] bool Wait();
  // Commits and answers what is queued, at most a group of it. When nothing is, brings the
  // watermark up to the last commit and returns false.
  bool Step();

 private:
  // The next group of what was taken; empty when nothing is queued.
  [[nodiscard]] std::span<Work> NextGroup();
  void TakeQueue();
  void CommitGroup(std::span<Work> works);
  void CatchUp();
  // After a burst: a full queue takes tens of megabytes.
  void GiveMemoryBack();
  [[nodiscard]] Status Admit(const Work& work, std::size_t bytes) const;
  [[nodiscard]] Status failure() const;

  Writer& writer_;
  const Listeners listeners_;

  // Of the writer thread: the queue is taken as a whole, so that those who submit wait for an
  // exchange and not for a group's being moved.
  std::vector<Work> taken_;
  std::vector<std::size_t> taken_bytes_;  // of each
  std::size_t next_ = 0;                  // of `taken_`: those before it are answered

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable arrived_;
  std::vector<Work> queue_;
  std::vector<std::size_t> queue_bytes_;  // of each
  std::size_t queued_works_ = 0;          // in `queue_`, and in `taken_` from `next_` on
  std::size_t queued_bytes_ = 0;
  bool closed_ = false;
  Status failure_;
};

}  // namespace ackwire
