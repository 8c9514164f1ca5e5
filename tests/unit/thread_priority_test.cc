#include "store/thread_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

namespace ackwire {
namespace {

int NiceOfThisThread() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

TEST(ThreadPriority, YieldingIsOfOneThreadAlone) {
  const int before = NiceOfThisThread();
  if (before >= 10) GTEST_SKIP() << "these tests themselves run at a nice value of " << before;
  int yielded = before;
  std::thread([&yielded] {
    YieldToOtherThreads();
    YieldToOtherThreads();
    yielded = NiceOfThisThread();
  }).join();
  EXPECT_EQ(yielded, 10);
  EXPECT_EQ(NiceOfThisThread(), before);
}

}  // namespace
}  // namespace ackwire
