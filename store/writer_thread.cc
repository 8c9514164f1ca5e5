#include "store/writer_thread.h"

namespace ackwire {

WriterThread::~WriterThread() { Stop(); }

void WriterThread::Stop() {
  if (!thread_.joinable()) return;
  queue_.Close();
  thread_.join();
}

void WriterThread::Run() {
  for (bool more = true; more;) {
    more = queue_.Wait();
    queue_.Step();
  }
}

}  // namespace ackwire
