#include "delivery/trim_pace.h"

#include <gtest/gtest.h>

namespace ackwire {
namespace {

constexpr Timestamp kNoon = FromUnixMs(1'795'305'600'000);
constexpr TrimPace::Amount kNineMore{10'009, 10'000};

TEST(TrimPace, WhatPassesALimitFirstGoesAtOnce) {
  EXPECT_TRUE(TrimPace().Due(kNoon, {.messages = kNineMore}));
  EXPECT_TRUE(TrimPace().Due(kNoon, {})) << "of age it is not for this to say";
}

TEST(TrimPace, WhatFollowsGathersForAWhile) {
  TrimPace pace;
  pace.Trimmed(kNoon);
  EXPECT_FALSE(pace.Due(kNoon + kTrimInterval - Duration(1), {.messages = kNineMore}));
  EXPECT_TRUE(pace.Due(kNoon + kTrimInterval, {.messages = kNineMore}));
  EXPECT_TRUE(pace.Due(kNoon + kTrimInterval, {}));
}

TEST(TrimPace, WhatIsMuchDoesNotWait) {
  TrimPace pace;
  pace.Trimmed(kNoon);
  const auto messages = [&](std::uint64_t has, std::uint64_t may_keep) {
    return pace.Due(kNoon, {.messages = TrimPace::Amount{has, may_keep}});
  };
  const auto bytes = [&](std::uint64_t has, std::uint64_t may_keep) {
    return pace.Due(kNoon, {.bytes = TrimPace::Amount{has, may_keep}});
  };
  // A hundredth of much, and of little so much that it is worth an event for each client.
  EXPECT_FALSE(messages(1'009'999, 1'000'000));
  EXPECT_TRUE(messages(1'010'000, 1'000'000));
  EXPECT_FALSE(messages(1'001, 2));
  EXPECT_TRUE(messages(1'002, 2));
  EXPECT_FALSE(messages(1, 1'000'000)) << "it has less than it may";
  constexpr std::uint64_t kMiB = 1 << 20;
  EXPECT_FALSE(bytes(1009 * kMiB, 1000 * kMiB));
  EXPECT_TRUE(bytes(1010 * kMiB, 1000 * kMiB));
  EXPECT_FALSE(bytes(kMiB + 3'499, 3'500));
  EXPECT_TRUE(bytes(kMiB + 3'500, 3'500));
}

}  // namespace
}  // namespace ackwire
