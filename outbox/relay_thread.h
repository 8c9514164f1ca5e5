// RelayThread runs a Relay's steps whenever there is something to carry.
//
// Threads:  Committed and Wake from any.
// Lifetime: the destructor takes one last step, writes the checkpoint and joins the thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "outbox/relay.h"
#include "store/status.h"

namespace ackwire {

class RelayThread {
 public:
  // `failed` is called once, on the relay's thread, when a step fails; no step follows.
  RelayThread(Relay& relay, std::function<void(const Status&)> failed);
  ~RelayThread();
  RelayThread(const RelayThread&) = delete;
  RelayThread& operator=(const RelayThread&) = delete;

  void Committed(const SharedGroup& group) {
    relay_.Committed(group);
    Wake();
  }
  // There may be something to do: a commit, or a sink that has room again.
  void Wake();

 private:
  void Run();

  Relay& relay_;
  const std::function<void(const Status&)> failed_;

  std::mutex mutex_;  // guards the next two
  bool awake_ = true;
  bool stopping_ = false;
  std::condition_variable wake_;

  std::thread thread_;
};

}  // namespace ackwire
