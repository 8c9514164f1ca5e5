#include "delivery/policies.h"

#include <gtest/gtest.h>

namespace ackwire {
namespace {

ChannelPattern Pattern(const std::string& match, Duration ack_wait) {
  return {match, {.ack_wait = ack_wait}};
}

TEST(Policies, TheFirstPatternThatFitsHolds) {
  const Policies policies({.ack_wait = Duration(1)},
                          {Pattern("room/vip", Duration(2)), Pattern("room/*", Duration(3)),
                           Pattern("room/late", Duration(4))});
  EXPECT_EQ(policies.For("room/vip")->ack_wait, Duration(2));
  EXPECT_EQ(policies.For("room/vip/1")->ack_wait, Duration(3));
  EXPECT_EQ(policies.For("room/late")->ack_wait, Duration(3));
  EXPECT_EQ(policies.For("room/")->ack_wait, Duration(3));
  EXPECT_EQ(policies.For("room")->ack_wait, Duration(1));
  EXPECT_EQ(policies.For("a-room/")->ack_wait, Duration(1));
}

TEST(Policies, AStarFitsAll) {
  const Policies policies({}, {Pattern("*", Duration(2))});
  EXPECT_EQ(policies.For("x")->ack_wait, Duration(2));
}

TEST(Policies, WhereNoPatternFitsTheFlagsHold) {
  const DeliveryPolicy flags{.ack_wait = Duration(7),
                             .retry = {.backoff = {Duration(8)}, .max_attempts = 9}};
  const auto policy = Policies(flags).For("any");
  EXPECT_EQ(policy->ack_wait, Duration(7));
  EXPECT_EQ(policy->retry.backoff, std::vector<Duration>{Duration(8)});
  EXPECT_EQ(policy->retry.max_attempts, 9U);
  EXPECT_EQ(policy->ordering, Ordering::kOrdered);
  EXPECT_FALSE(policy->ttl);
}

TEST(Policies, WhatWasAskedForStaysAsItWas) {
  Policies policies({}, {Pattern("*", Duration(2))});
  const auto before = policies.For("x");
  policies.Replace({Pattern("*", Duration(3))});
  EXPECT_EQ(before->ack_wait, Duration(2));
  EXPECT_EQ(policies.For("x")->ack_wait, Duration(3));
  policies.Replace({});
  EXPECT_EQ(policies.For("x")->ack_wait, DeliveryPolicy().ack_wait);
}

}  // namespace
}  // namespace ackwire
