#include "store/thread_priority.h"

#include <gtest/gtest.h>
#include <rocksdb/listener.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "store/background_listener.h"

namespace ackwire {
namespace {

int NiceOfThisThread() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

int NiceOfAThreadAfter(const std::function<void()>& work) {
  int nice = 0;
  std::thread([&] {
    work();
    nice = NiceOfThisThread();
  }).join();
  return nice;
}

TEST(ThreadPriority, YieldingIsOfOneThreadAlone) {
  const int before = NiceOfThisThread();
  EXPECT_EQ(NiceOfAThreadAfter(YieldToOtherThreads), std::max(before, 10));
  EXPECT_EQ(NiceOfThisThread(), before);
}

TEST(ThreadPriority, FlushesAndMergesYield) {
  const int yielded = std::max(NiceOfThisThread(), 10);
  BackgroundListener listener;
  EXPECT_EQ(NiceOfAThreadAfter([&] { listener.OnFlushBegin(nullptr, {}); }), yielded);
  EXPECT_EQ(NiceOfAThreadAfter([&] { listener.OnCompactionBegin(nullptr, {}); }), yielded);
}

}  // namespace
}  // namespace ackwire
