#include "delivery/heartbeat.h"

#include <gtest/gtest.h>

namespace ackwire {
namespace {

using Action = Heartbeat::Action;

constexpr Timestamp kBegin = FromUnixMs(1'000'000);
constexpr Duration kInterval{30'000};
constexpr Duration kTimeout{45'000};
constexpr Duration kMoment{1};

class HeartbeatTest : public ::testing::Test {
 protected:
  HeartbeatTest() { heartbeat.Start(kBegin); }

  Heartbeat heartbeat{{.interval = kInterval, .timeout = kTimeout}};
};

TEST_F(HeartbeatTest, DoesNothingBeforeTheInterval) {
  EXPECT_EQ(heartbeat.NextEvent(), kBegin + kInterval);
  EXPECT_EQ(heartbeat.OnTime(kBegin + kInterval - kMoment), Action::kNone);
}

TEST_F(HeartbeatTest, PingsOnceEachInterval) {
  EXPECT_EQ(heartbeat.OnTime(kBegin + kInterval), Action::kPing);
  EXPECT_EQ(heartbeat.OnTime(kBegin + kInterval), Action::kNone);
  heartbeat.Heard(kBegin + kInterval);
  EXPECT_EQ(heartbeat.NextEvent(), kBegin + 2 * kInterval);
  EXPECT_EQ(heartbeat.OnTime(kBegin + 2 * kInterval), Action::kPing);
}

TEST_F(HeartbeatTest, PingsAPeerThatSpeaksToo) {
  heartbeat.Heard(kBegin + kInterval - kMoment);
  EXPECT_EQ(heartbeat.OnTime(kBegin + kInterval), Action::kPing);
}

TEST_F(HeartbeatTest, GivesUpAPeerThatWasNotHeardForTheTimeout) {
  ASSERT_EQ(heartbeat.OnTime(kBegin + kInterval), Action::kPing);
  EXPECT_EQ(heartbeat.NextEvent(), kBegin + kTimeout);
  EXPECT_EQ(heartbeat.OnTime(kBegin + kTimeout - kMoment), Action::kNone);
  EXPECT_EQ(heartbeat.OnTime(kBegin + kTimeout), Action::kGiveUp);
}

TEST_F(HeartbeatTest, WhateverIsHeardStartsTheTimeoutAnew) {
  ASSERT_EQ(heartbeat.OnTime(kBegin + kInterval), Action::kPing);
  heartbeat.Heard(kBegin + kTimeout - kMoment);
  EXPECT_EQ(heartbeat.OnTime(kBegin + kTimeout), Action::kNone);
  EXPECT_EQ(heartbeat.OnTime(kBegin + 2 * kTimeout - kMoment), Action::kGiveUp);
}

TEST_F(HeartbeatTest, GivesUpRatherThanPingsWhenBothAreDue) {
  EXPECT_EQ(heartbeat.OnTime(kBegin + kTimeout), Action::kGiveUp);
}

TEST(HeartbeatOfAPeerThatCannotAnswer, PingsOnAndNeverGivesUp) {
  Heartbeat heartbeat{{.interval = kInterval, .timeout = kTimeout, .answered = false}};
  heartbeat.Start(kBegin);
  for (int n = 1; n < 10; ++n) {
    EXPECT_EQ(heartbeat.NextEvent(), kBegin + n * kInterval);
    EXPECT_EQ(heartbeat.OnTime(kBegin + n * kInterval), Action::kPing);
  }
}

TEST_F(HeartbeatTest, WhatComesNextIsLaterThanWhatWasDone) {
  for (Timestamp now = kBegin; now < kBegin + 10 * kTimeout; now = heartbeat.NextEvent()) {
    heartbeat.Heard(now);
    ASSERT_NE(heartbeat.OnTime(now), Action::kGiveUp);
    ASSERT_GT(heartbeat.NextEvent(), now);
  }
}

}  // namespace
}  // namespace ackwire
