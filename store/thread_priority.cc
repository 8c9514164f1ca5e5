#include "store/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace ackwire {

void YieldToOtherThreads() {
  constexpr int kNice = 10;                         // 110 shares where others have 1,024
  const auto thread = static_cast<id_t>(gettid());  // Linux knows a nice value of each thread
  if (getpriority(PRIO_PROCESS, thread) < kNice) (void)setpriority(PRIO_PROCESS, thread, kNice);
}

}  // namespace ackwire
