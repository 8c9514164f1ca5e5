#include "delivery/token_bucket.h"

#include <gtest/gtest.h>

#include <random>

namespace ackwire {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kFullAt = FromUnixMs(1'795'305'600'000);

TEST(TokenBucket, LetsASecondsWorthThroughAtOnceAndThenAsItFills) {
  TokenBucket bucket({.per_second = 10}, kFullAt);
  for (int n = 0; n < 10; ++n) EXPECT_EQ(bucket.Take(1, kFullAt), 0ms);
  EXPECT_EQ(bucket.Take(1, kFullAt), 100ms);
  EXPECT_EQ(bucket.Take(1, kFullAt + 99ms), 1ms);
  EXPECT_EQ(bucket.Take(1, kFullAt + 100ms), 0ms);
  EXPECT_EQ(bucket.Take(1, kFullAt + 100ms), 100ms);
}

TEST(TokenBucket, TakesNothingForWhatItRefuses) {
  TokenBucket bucket({.per_second = 4}, kFullAt);
  EXPECT_EQ(bucket.Take(3, kFullAt), 0ms);
  for (int n = 0; n < 100; ++n) EXPECT_EQ(bucket.Take(2, kFullAt), 250ms);
  EXPECT_EQ(bucket.Take(1, kFullAt), 0ms);
}

TEST(TokenBucket, IsFullAgainAfterAWhileAndNoFuller) {
  TokenBucket bucket({.per_second = 2, .at_once = 6}, kFullAt);
  EXPECT_TRUE(bucket.IsFull(kFullAt));
  EXPECT_EQ(bucket.Take(6, kFullAt), 0ms);
  EXPECT_FALSE(bucket.IsFull(kFullAt + 2999ms));
  EXPECT_TRUE(bucket.IsFull(kFullAt + 3000ms));
  EXPECT_EQ(bucket.Take(6, kFullAt + 24h * 36'500), 0ms);
  EXPECT_EQ(bucket.Take(1, kFullAt + 24h * 36'500), 500ms);
}

TEST(TokenBucket, LetsMoreThanItHoldsThroughWhenFullAndIsOwedForIt) {
  TokenBucket bucket({.per_second = 100}, kFullAt);
  EXPECT_EQ(bucket.Take(1000, kFullAt), 0ms);
  EXPECT_EQ(bucket.Take(1, kFullAt), 9010ms);
  EXPECT_EQ(bucket.Take(1, kFullAt + 9010ms), 0ms);
}

TEST(TokenBucket, DoesNotMindAClockThatStandsOrGoesBack) {
  TokenBucket bucket({.per_second = 1}, kFullAt);
  EXPECT_EQ(bucket.Take(1, kFullAt), 0ms);
  EXPECT_EQ(bucket.Take(1, kFullAt - 1h), 1000ms);
  EXPECT_EQ(bucket.Take(1, kFullAt + 999ms), 1ms);
}

TEST(TokenBucket, HasNoRateThatOverflows) {
  TokenBucket bucket({.per_second = UINT64_MAX}, kFullAt);
  for (int n = 0; n < 1000; ++n) {
    EXPECT_EQ(bucket.Take(1ULL << 30U, kFullAt + 24h * 365 * n), 0ms);
  }
  EXPECT_EQ(bucket.Take(UINT64_MAX, kFullAt + 24h * 365 * 2000), 0ms);
  EXPECT_GT(bucket.Take(1, kFullAt + 24h * 365 * 2000), 0ms);
}

// Whatever is asked for when, no span of time sees more than its share and a full bucket.
TEST(TokenBucket, NeverLetsMoreThroughThanItsRate) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; ++round) {
    const std::uint64_t rate = 1 + random() % 500;
    TokenBucket bucket({.per_second = rate}, kFullAt);
    Timestamp now = kFullAt;
    std::uint64_t taken = 0;
    for (int step = 0; step < 2000; ++step) {
      now += Duration(random() % 20);
      const std::uint64_t count = 1 + random() % 3;
      const Duration wait = bucket.Take(count, now);
      if (wait != 0ms) {
        EXPECT_NE(bucket.Take(count, now + wait - 1ms), 0ms);
        continue;
      }
      taken += count;
      const auto passed = static_cast<std::uint64_t>((now - kFullAt).count());
      EXPECT_LE(taken * 1000, std::max<std::uint64_t>(rate, 3) * 1000 + rate * passed + 3000);
    }
  }
}

TEST(KeyedBuckets, EachCallerHasItsOwn) {
  KeyedBuckets buckets(1, 100);
  EXPECT_EQ(buckets.Take("alice", kFullAt), 0ms);
  EXPECT_EQ(buckets.Take("bob", kFullAt), 0ms);
  EXPECT_EQ(buckets.Take("alice", kFullAt), 1000ms);
}

TEST(KeyedBuckets, ForgetThoseThatAreFullAndNoOthers) {
  KeyedBuckets buckets(1, 10);
  for (int n = 0; n < 8; ++n) EXPECT_EQ(buckets.Take("old" + std::to_string(n), kFullAt), 0ms);
  EXPECT_EQ(buckets.Take("late", kFullAt + 900ms), 0ms);
  EXPECT_EQ(buckets.Take("later", kFullAt + 900ms), 0ms);
  EXPECT_EQ(buckets.size(), 10U);
  EXPECT_EQ(buckets.Take("new", kFullAt + 1000ms), 0ms);
  EXPECT_EQ(buckets.size(), 3U);
  EXPECT_EQ(buckets.Take("late", kFullAt + 1000ms), 900ms);
}

TEST(KeyedBuckets, AreNeverMoreThanTheyMayBe) {
  KeyedBuckets buckets(1, 100);
  for (int n = 0; n < 10'000; ++n) {
    EXPECT_EQ(buckets.Take("caller" + std::to_string(n), kFullAt), 0ms);
    EXPECT_LE(buckets.size(), 100U);
  }
}

}  // namespace
}  // namespace ackwire
