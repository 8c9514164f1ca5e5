// WriterThread runs a WriterQueue on a thread of its own: while one group syncs, the next gathers.
//
// Lifetime: Stop, or the destructor, closes the queue, commits what is in it, answers it and joins
//           the thread. Borrows the queue.
#pragma once

#include <thread>

#include "store/writer_queue.h"

namespace ackwire {

class WriterThread {
 public:
  explicit WriterThread(WriterQueue& queue) : queue_(queue), thread_([this] { Run(); }) {}
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  // By the owner's thread only.
  void Stop();

 private:
  void Run();

  WriterQueue& queue_;
  std::thread thread_;
};

}  // namespace ackwire
