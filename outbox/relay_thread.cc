#include "outbox/relay_thread.h"

#include <chrono>
#include <utility>

namespace ackwire {
namespace {

// Without commits, the thread still wakes so often to write a checkpoint that is due.
constexpr std::chrono::milliseconds kIdleInterval{1000};

}  // namespace

RelayThread::RelayThread(Relay& relay, std::function<void(const Status&)> failed)
    : relay_(relay), failed_(std::move(failed)), thread_([this] { Run(); }) {}

RelayThread::~RelayThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void RelayThread::Wake() {
  {
    std::lock_guard lock(mutex_);
    awake_ = true;
  }
  wake_.notify_one();
}

void RelayThread::Run() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kIdleInterval, [this] { return awake_ || stopping_; });
      awake_ = false;
      last = stopping_;
    }
    if (Status status = relay_.Step({.checkpoint_now = last}); !status.ok()) {
      failed_(status);
      return;
    }
  }
}

}  // namespace ackwire
