#include "tools/ackctl/interrupt.h"

#include <pthread.h>
#include <signal.h>

namespace ackwire::ctl {
namespace {

// SIGUSR1 is this class's own: it wakes the thread when nothing is to be
// interrupted any more.
sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set, number);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = Watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Interrupt::~Interrupt() {
  if (!thread_.joinable()) return;
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

void Interrupt::Watch(grpc::ClientContext& context) {
  thread_ = std::thread([this, &context] {
    const sigset_t set = Watched();
    int number = 0;
    sigwait(&set, &number);
    if (number == SIGUSR1) return;
    happened_ = true;
    context.TryCancel();
  });
}

}  // namespace ackwire::ctl
