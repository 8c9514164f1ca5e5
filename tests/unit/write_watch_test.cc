#include "delivery/write_watch.h"

#include <gtest/gtest.h>

namespace ackwire {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kBegan{1'000'000ms};

TEST(WriteWatch, BeginsAnewWhenTheKernelTakesSome) {
  WriteWatch watch;
  EXPECT_EQ(watch.since(), std::nullopt);
  watch.Begin(500, kBegan);
  EXPECT_EQ(watch.since(), kBegan);
  watch.Took(600, kBegan + 2s);
  EXPECT_EQ(watch.since(), kBegan + 2s);
  watch.End();
  EXPECT_EQ(watch.since(), std::nullopt);
  watch.Took(500, kBegan + 3s);
  EXPECT_EQ(watch.since(), std::nullopt);
}

TEST(WriteWatch, AndWhenThePeerHasAcknowledgedSomeSinceItWasLookedAt) {
  WriteWatch watch;
  watch.Begin(500, kBegan);
  watch.Look(500, kBegan + 1s);
  EXPECT_EQ(watch.since(), kBegan);
  watch.Look(499, kBegan + 3s);
  EXPECT_EQ(watch.since(), kBegan + 3s);
  watch.Look(499, kBegan + 6s);
  EXPECT_EQ(watch.since(), kBegan + 3s);
}

}  // namespace
}  // namespace ackwire
