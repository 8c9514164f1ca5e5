#include "delivery/write_watch.h"

#include <gtest/gtest.h>

namespace ackwire {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kBegan{1'000'000ms};

TEST(WriteWatch, BeginsAnewWhenTheKernelTakesSome) {
  WriteWatch watch;
  EXPECT_EQ(watch.since(), std::nullopt);
  watch.Begin(kBegan);
  EXPECT_EQ(watch.since(), kBegan);
  watch.Took(500, kBegan + 2s);
  EXPECT_EQ(watch.since(), kBegan + 2s);
  watch.End();
  EXPECT_EQ(watch.since(), std::nullopt);
  watch.Took(500, kBegan + 3s);
  EXPECT_EQ(watch.since(), std::nullopt);
}

TEST(WriteWatch, AndWhenThePeerHasAcknowledgedSomeSinceItWasLookedAt) {
  WriteWatch watch;
  watch.Begin(kBegan);
  watch.Took(500, kBegan);
  watch.Look(499, kBegan + 3s);
  EXPECT_EQ(watch.since(), kBegan + 3s);
  watch.Look(499, kBegan + 6s);
  EXPECT_EQ(watch.since(), kBegan + 3s);
}

// What is written next finds the kernel's buffer full of what was written before.
TEST(WriteWatch, KnowsFromTheWriteBeforeWhatThePeerHadLeft) {
  WriteWatch watch;
  watch.Begin(kBegan);
  watch.Took(500, kBegan);
  watch.End();
  watch.Begin(kBegan + 1s);
  watch.Look(500, kBegan + 4s);
  EXPECT_EQ(watch.since(), kBegan + 1s);
}

}  // namespace
}  // namespace ackwire
