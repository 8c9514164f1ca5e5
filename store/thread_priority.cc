#include "store/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace ackwire {

void YieldToOtherThreads() {
  constexpr int kNice = 10;  // one step is some 10 % less: 110 shares where others have 1,024
  thread_local const int lowered =
      setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);  // a thread on Linux
  (void)lowered;
}

}  // namespace ackwire
