#pragma once

#include <grpcpp/client_context.h>

#include <atomic>
#include <thread>

namespace ackwire::ctl {

// Turns Ctrl-C (and SIGTERM) into the cancellation of a stream that would
// otherwise go on for ever, so that the command ends as done.
//
// Threads:  construct before any other thread is started: those inherit the
//           blocked signals, and so only this one's thread takes them.
// Lifetime: borrows the context given to Watch; it must outlive this.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  // Call once.
  void Watch(grpc::ClientContext& context);

  bool happened() const { return happened_; }

 private:
  std::atomic<bool> happened_ = false;
  std::thread thread_;
};

}  // namespace ackwire::ctl
