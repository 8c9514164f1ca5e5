// What a drain does and when, and how evenly sessions are closed and clients come again.

#include "delivery/drain_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace ackwire {
namespace {

using namespace std::chrono_literals;
using Does = DrainPlan::Action;

constexpr DrainTimes kTimes{.grace = 25s, .spread = 20s, .timeout = 60s};

TEST(DrainPlan, DoesNothingWithinTheGraceEvenWithoutSessions) {
  DrainPlan plan(kTimes);
  EXPECT_EQ(plan.At({0s, 0}), Does::kNone);
  EXPECT_EQ(plan.At({24'999ms, 0}), Does::kNone);
  EXPECT_EQ(plan.At({24'999ms, 7}), Does::kNone);
}

TEST(DrainPlan, ClosesTheSessionsOnceTheGraceIsOver) {
  DrainPlan plan(kTimes);
  EXPECT_EQ(plan.At({25s, 7}), Does::kCloseSessions);
  EXPECT_EQ(plan.At({25s, 3}), Does::kNone);
}

TEST(DrainPlan, EndsOnceNoSessionIsLeft) {
  DrainPlan plan(kTimes);
  ASSERT_EQ(plan.At({25s, 7}), Does::kCloseSessions);
  EXPECT_EQ(plan.At({26s, 1}), Does::kNone);
  EXPECT_EQ(plan.At({26s, 0}), Does::kEnd);
}

TEST(DrainPlan, WithoutSessionsItEndsWithTheGrace) {
  DrainPlan plan(kTimes);
  EXPECT_EQ(plan.At({25s, 0}), Does::kEnd);
}

TEST(DrainPlan, CutsWhatIsLeftAtTheTimeout) {
  DrainPlan plan(kTimes);
  ASSERT_EQ(plan.At({25s, 7}), Does::kCloseSessions);
  EXPECT_EQ(plan.At({59'999ms, 1}), Does::kNone);
  EXPECT_EQ(plan.At({60s, 1}), Does::kCutSessions);
}

TEST(DrainPlan, ATimeoutWithinTheGraceEndsItThen) {
  DrainPlan left({.grace = 25s, .spread = 20s, .timeout = 10s});
  EXPECT_EQ(left.At({9'999ms, 7}), Does::kNone);
  EXPECT_EQ(left.At({10s, 7}), Does::kCutSessions);
  DrainPlan empty({.grace = 25s, .spread = 20s, .timeout = 10s});
  EXPECT_EQ(empty.At({10s, 0}), Does::kEnd);
}

TEST(DrainPlan, ItIsOverOnce) {
  for (const std::size_t left : {0U, 7U}) {
    DrainPlan plan(kTimes);
    EXPECT_NE(plan.At({60s, left}), Does::kNone);
    EXPECT_EQ(plan.At({60s, 0}), Does::kNone);
    EXPECT_EQ(plan.At({61s, 7}), Does::kNone);
  }
}

TEST(DrainPlan, WithoutGraceSessionsAreClosedAtOnce) {
  DrainPlan plan({.grace = 0s, .spread = 20s, .timeout = 60s});
  EXPECT_EQ(plan.At({0s, 7}), Does::kCloseSessions);
}

// The most of `times` that fall into one second, wherever it begins.
std::size_t MostInASecond(std::vector<Duration> times) {
  std::sort(times.begin(), times.end());
  std::size_t most = 0;
  for (auto first = times.begin(), last = first; last != times.end(); ++last) {
    while (*last - *first >= 1s) ++first;
    most = std::max(most, static_cast<std::size_t>(last - first) + 1);
  }
  return most;
}

TEST(DrainMoments, LieWithinTheSpread) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed);
    DrainMoments moments(20s, rng);
    for (int i = 0; i < 1000; ++i) {
      const DrainMoments::Moment moment = moments.Next();
      ASSERT_GE(moment.close_after, 0s);
      ASSERT_LT(moment.close_after, 20s);
      ASSERT_GE(moment.reconnect_after, 0s);
      ASSERT_LT(moment.reconnect_after, 20s);
    }
  }
}

TEST(DrainMoments, AreThoseOfTheSeed) {
  const auto first = [](std::uint64_t seed) {
    Rng rng(seed);
    return DrainMoments(24h, rng).Next();
  };
  EXPECT_EQ(first(1).close_after, first(1).close_after);
  EXPECT_NE(first(1).close_after, first(2).close_after);
  EXPECT_NE(first(1).reconnect_after, first(2).reconnect_after);
}

TEST(DrainMoments, OneSessionsMomentsAreAnywhere) {
  constexpr int kSeeds = 4000;
  constexpr int kParts = 4;
  int in_part[kParts][kParts] = {};
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    Rng rng(seed);
    const DrainMoments::Moment moment = DrainMoments(20s, rng).Next();
    ++in_part[moment.close_after / 5s][moment.reconnect_after / 5s];
  }
  for (const auto& row : in_part) {
    for (const int count : row) EXPECT_NEAR(count, kSeeds / (kParts * kParts), 80);
  }
}

TEST(DrainMoments, NoSecondHasMoreThanItsShare) {
  constexpr std::size_t kSessions = 500;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed);
    DrainMoments moments(20s, rng);
    std::vector<Duration> closes;
    std::vector<Duration> returns;
    for (std::size_t i = 0; i < kSessions; ++i) {
      const DrainMoments::Moment moment = moments.Next();
      closes.push_back(moment.close_after);
      returns.push_back(moment.close_after + moment.reconnect_after);
    }
    // A twentieth in each; of those who come again at most so many at the middle.
    ASSERT_LE(MostInASecond(closes), 28U) << seed;
    ASSERT_LE(MostInASecond(returns), 28U) << seed;
  }
}

TEST(DrainMoments, WithoutSpreadAllAreAtOnce) {
  Rng rng(1);
  DrainMoments moments(0s, rng);
  EXPECT_EQ(moments.Next().close_after, 0s);
  EXPECT_EQ(moments.Next().reconnect_after, 0s);
}

}  // namespace
}  // namespace ackwire
