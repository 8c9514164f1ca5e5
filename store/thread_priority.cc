#include "store/thread_priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace ackwire {

void YieldToOtherThreads() {
  constexpr int kNice = 10;  // 110 shares where others have 1,024
  thread_local bool yields = false;
  if (yields) return;
  yields = true;
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);  // on Linux: of a thread
}

}  // namespace ackwire
