#include "outbox/retry_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace ackwire {
namespace {

using std::chrono::milliseconds;

const RetryPolicy kPolicy{.backoff = {Duration(1000), Duration(5000), Duration(30'000)},
                          .max_attempts = 4};

void ExpectAround(Duration base, std::uint32_t failures) {
  Rng rng(failures + 1);
  RetrySchedule schedule(kPolicy, rng);
  Duration lowest = Duration::max();
  Duration highest{};
  for (int i = 0; i < 2000; ++i) {
    const Duration wait = schedule.DelayAfter(failures, {});
    lowest = std::min(lowest, wait);
    highest = std::max(highest, wait);
  }
  // Within 20 % of it, and over nearly all of that.
  EXPECT_GE(lowest, base * 8 / 10);
  EXPECT_LE(highest, base * 12 / 10);
  EXPECT_LT(lowest, base * 81 / 100);
  EXPECT_GT(highest, base * 119 / 100);
}

TEST(RetrySchedule, WaitsTheBackoffTwentyPercentMoreOrLess) {
  ExpectAround(Duration(1000), 1);
  ExpectAround(Duration(5000), 2);
  ExpectAround(Duration(30'000), 3);
}

TEST(RetrySchedule, RepeatsTheLastWait) {
  ExpectAround(Duration(30'000), 4);
  ExpectAround(Duration(30'000), 1000);
}

TEST(RetrySchedule, WaitsTheFirstBackoffWhenNothingCounted) { ExpectAround(Duration(1000), 0); }

TEST(RetrySchedule, WaitsAtLeastWhatTheClientAskedFor) {
  Rng rng(1);
  RetrySchedule schedule(kPolicy, rng);
  EXPECT_EQ(schedule.DelayAfter(1, Duration(90'000)), Duration(90'000));
  EXPECT_GE(schedule.DelayAfter(2, Duration(10)), Duration(4000));
}

TEST(RetrySchedule, WaitsNothingWithoutABackoff) {
  Rng rng(1);
  const RetryPolicy policy{.backoff = {}, .max_attempts = 2};
  RetrySchedule schedule(policy, rng);
  EXPECT_EQ(schedule.DelayAfter(1, Duration(0)), Duration(0));
  EXPECT_EQ(schedule.DelayAfter(1, Duration(70)), Duration(70));
}

TEST(RetrySchedule, IsExhaustedAfterTheLastAttempt) {
  Rng rng(1);
  const RetrySchedule schedule(kPolicy, rng);
  EXPECT_FALSE(schedule.Exhausted(0));
  EXPECT_FALSE(schedule.Exhausted(3));
  EXPECT_TRUE(schedule.Exhausted(4));
  EXPECT_TRUE(schedule.Exhausted(5));
}

TEST(RetrySchedule, HasTheContractsDefaults) {
  const RetryPolicy policy;
  EXPECT_EQ(policy.backoff, (std::vector<Duration>{milliseconds(1000), milliseconds(5000),
                                                   milliseconds(15'000), milliseconds(30'000)}));
  EXPECT_EQ(policy.max_attempts, 6U);
}

TEST(RetrySchedule, SpreadsThoseThatFailedTogether) {
  Rng rng(1);
  RetrySchedule schedule(kPolicy, rng);
  std::set<Duration> waits;
  for (int i = 0; i < 100; ++i) waits.insert(schedule.DelayAfter(3, {}));
  EXPECT_GT(waits.size(), 90U);
}

}  // namespace
}  // namespace ackwire
