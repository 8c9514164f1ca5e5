#include "delivery/edge_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "delivery/message_json.h"

namespace ackwire {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr Timestamp kAttackedAt = FromUnixMs(1'795'305'600'000);

class EdgeLimitsTest : public testing::Test {
 protected:
  std::string Hits(const std::string& limit) {
    const std::string text = metrics_.Scrape({});
    const std::string name = "\nackwire_limit_hits_total{limit=\"" + limit + "\"} ";
    const std::size_t at = text.find(name);
    if (at == std::string::npos) return "none";
    return text.substr(at + name.size(), text.find('\n', at + 1) - at - name.size());
  }

  Metrics metrics_;
};

TEST_F(EdgeLimitsTest, TakeSoManyConnectionsInAllUntilOneLeaves) {
  EdgeLimits limits({.connections = 2}, metrics_);
  EdgeLimits::Admission first = limits.Admit("10.0.0.1", kAttackedAt);
  const EdgeLimits::Admission second = limits.Admit("10.0.0.2", kAttackedAt);
  EXPECT_TRUE(first.status.ok());
  EXPECT_TRUE(second.status.ok());
  const Status refused = limits.Admit("10.0.0.3", kAttackedAt).status;
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(refused), HasSubstr("at most 2 (--max-connections)"));
  EXPECT_EQ(Hits("connections"), "1");
  first.place = EdgeLimits::Place();
  EXPECT_TRUE(limits.Admit("10.0.0.3", kAttackedAt).status.ok());
}

TEST_F(EdgeLimitsTest, TakeSoManyOfAnAddressAndOthersStill) {
  EdgeLimits limits({.connections_per_address = 1}, metrics_);
  const EdgeLimits::Admission first = limits.Admit("10.0.0.1", kAttackedAt);
  EXPECT_EQ(limits.Admit("10.0.0.1", kAttackedAt).status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(limits.Admit("::ffff:10.0.0.1", kAttackedAt).status.code(),
            StatusCode::kResourceExhausted);
  EXPECT_TRUE(limits.Admit("10.0.0.2", kAttackedAt).status.ok());
  EXPECT_EQ(Hits("connections_per_address"), "2");
}

TEST_F(EdgeLimitsTest, ANetworkOfIpv6IsOneCaller) {
  EXPECT_EQ(NetworkOf("2001:db8:1:2:3:4:5:6"), NetworkOf("2001:db8:1:2:ffff::1"));
  EXPECT_NE(NetworkOf("2001:db8:1:2::1"), NetworkOf("2001:db8:1:3::1"));
  EXPECT_EQ(NetworkOf("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(NetworkOf("10.0.0.1"), "10.0.0.1");
}

TEST_F(EdgeLimitsTest, TakeSoManyWhoseCallerIsNotKnown) {
  EdgeLimits limits({.unauthenticated = 2}, metrics_);
  EdgeLimits::Admission first = limits.Admit("10.0.0.1", kAttackedAt);
  EdgeLimits::Admission second = limits.Admit("10.0.0.1", kAttackedAt);
  EXPECT_EQ(limits.Admit("10.0.0.1", kAttackedAt).status.code(), StatusCode::kUnavailable);
  first.place.Settle();
  first.place.Settle();
  const EdgeLimits::Admission third = limits.Admit("10.0.0.1", kAttackedAt);
  EXPECT_TRUE(third.status.ok());
  EXPECT_FALSE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
  first.place = EdgeLimits::Place();
  EXPECT_FALSE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
  second.place = EdgeLimits::Place();
  EXPECT_TRUE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
  EXPECT_EQ(Hits("unauthenticated"), "3");
}

TEST_F(EdgeLimitsTest, TakeSoManyNewOnesASecondOfAnAddress) {
  EdgeLimits limits({.connect_rate = 2}, metrics_);
  EXPECT_TRUE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
  EXPECT_TRUE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
  const Status refused = limits.Admit("10.0.0.1", kAttackedAt).status;
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryAfter(refused), 500ms);
  EXPECT_TRUE(limits.Admit("10.0.0.2", kAttackedAt).status.ok());
  EXPECT_TRUE(limits.Admit("10.0.0.1", kAttackedAt + 500ms).status.ok());
  EXPECT_EQ(Hits("connect_rate"), "1");
}

TEST_F(EdgeLimitsTest, TellSoManyRefusedConnectionsASecondWhyAndCloseTheRest) {
  EdgeLimits limits({.connections = 0}, metrics_);
  for (std::size_t n = 0; n < EdgeLimits::kToldPerSecond; ++n) {
    EXPECT_TRUE(limits.Admit("10.0.0.1", kAttackedAt).told);
  }
  EXPECT_FALSE(limits.Admit("10.0.0.1", kAttackedAt).told);
  EXPECT_TRUE(limits.Admit("10.0.0.1", kAttackedAt + 1s).told);
}

TEST_F(EdgeLimitsTest, APlaceThatMovesIsLeftOnce) {
  EdgeLimits limits({.connections = 1}, metrics_);
  {
    EdgeLimits::Place moved = std::move(limits.Admit("10.0.0.1", kAttackedAt).place);
    const EdgeLimits::Place again = std::move(moved);
    EXPECT_FALSE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
  }
  const EdgeLimits::Admission next = limits.Admit("10.0.0.1", kAttackedAt);
  EXPECT_TRUE(next.status.ok());
  EXPECT_FALSE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
}

TEST_F(EdgeLimitsTest, CountPublishesByUserElseByAddress) {
  EdgeLimits limits({.publish_rate = 1}, metrics_);
  EXPECT_TRUE(limits.TakePublish({"alice", "10.0.0.1"}, kAttackedAt).ok());
  const Status refused = limits.TakePublish({"alice", "10.0.0.2"}, kAttackedAt);
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryAfter(refused), 1000ms);
  EXPECT_THAT(MessageOf(refused), HasSubstr("at most 1 a second (--publish-rate)"));
  EXPECT_TRUE(limits.TakePublish({"bob", "10.0.0.1"}, kAttackedAt).ok());
  EXPECT_TRUE(limits.TakePublish({"", "10.0.0.1"}, kAttackedAt).ok());
  EXPECT_FALSE(limits.TakePublish({"", "10.0.0.1"}, kAttackedAt).ok());
  EXPECT_TRUE(limits.TakePublish({"10.0.0.1", "10.0.0.1"}, kAttackedAt).ok());
  EXPECT_TRUE(limits.TakePublish({"alice", "10.0.0.1"}, kAttackedAt + 1s).ok());
  EXPECT_EQ(Hits("publish_rate"), "2");
}

TEST_F(EdgeLimitsTest, ByDefaultOnlyConnectionsHaveALimit) {
  EdgeLimits limits({}, metrics_);
  std::vector<EdgeLimits::Admission> connections;
  for (int n = 0; n < 10'000; ++n) {
    connections.push_back(limits.Admit("10.0.0.1", kAttackedAt));
    ASSERT_TRUE(connections.back().status.ok());
    ASSERT_TRUE(limits.TakePublish({"", "10.0.0.1"}, kAttackedAt).ok());
  }
  EXPECT_FALSE(limits.Admit("10.0.0.1", kAttackedAt).status.ok());
}

}  // namespace
}  // namespace ackwire
