// WriterThread queues works from any thread and runs the Writer on its own: while one group syncs,
// the next gathers.
//
// Threads:  Submit from any; callbacks run on the writer thread, in the order of the works.
// Lifetime: Stop, or the destructor, commits what is queued, answers it and joins the thread.
// Bounds:   kQueuedBytesMax and kQueuedWorksMax; a publish or subscribe beyond them is refused at
//           once. Journal works are always taken: what they tell has happened already.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
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

class WriterThread {
 public:
  struct Listeners {
    // Called for each commit, in order, once its works are answered.
    std::function<void(const SharedGroup&)> committed;
    // Called once, when a commit failed (or Fail was called) and no more writes are taken.
    std::function<void(const Status&)> failed;
  };

  WriterThread(Writer& writer, Listeners listeners);
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  // Takes the work, or answers it at once with kResourceExhausted (the queue is full) or
  // kUnavailable (a commit failed, or the server is stopping).
  void Submit(Work work);

  // No more writes are taken, and what is queued is refused. The first failure counts.
  void Fail(const Status& why);

  // By the owner's thread only.
  void Stop();

 private:
  void Run();
  // Blocks until there is work; empty when it is time to stop, or for the watermark to catch up.
  [[nodiscard]] std::vector<Work> TakeGroup();
  void CommitGroup(std::vector<Work>& works);
  void CatchUp();
  [[nodiscard]] Status Admit(const Work& work, std::size_t bytes) const;
  [[nodiscard]] Status failure() const;
  [[nodiscard]] bool stopped() const;

  Writer& writer_;
  const Listeners listeners_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable arrived_;
  std::deque<Work> queue_;
  std::size_t queued_bytes_ = 0;
  bool stopping_ = false;
  Status failure_;

  std::thread thread_;
};

}  // namespace ackwire
