// What a scrape says of clients that are offline, where a part of the store is damaged.
#include "delivery/gauge_reader.h"

#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include "store/keys.h"
#include "tests/unit/ledger_events.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

constexpr Duration kAMinute{60'000};

class GaugeReaderTest : public testing::Test {
 protected:
  // Two clients of `early`, where the first message is a minute older than what follows, and one
  // of `late`. All are offline, and one message of each subscription has failed.
  GaugeReaderTest() {
    for (const char* client : {"alice", "bob"}) store_.Subscribe(client, "early");
    store_.Subscribe("carol", "late");
    store_.Publish("early", "1");
    store_.clock().Advance(kAMinute);
    store_.Publish("early", "2");
    for (const char* payload : {"1", "2"}) store_.Publish("late", payload);
    store_.clock().Advance(kAMinute);
    for (const char* client : {"alice", "bob"}) Fail(client, "early");
    Fail("carol", "late");
  }

  void Fail(const std::string& client, const std::string& channel) {
    store_.Record({events::Failed(client, store_.IdOf(channel), RunOf(1, 1))});
  }
  void Damage(Family family, const std::string& key) {
    rocksdb::WriteBatch batch;
    batch.Put(store_.store().database().handle(family), key, "garbage");
    ASSERT_TRUE(store_.store().database().Write(batch, Sync::kNo).ok());
  }
  // Whatever was scanned a while ago is scanned anew.
  Metrics::Gauges Read(const OnlineScan& online = {}) {
    store_.clock().Advance(kAMinute);
    return reader_.Read(online, {});
  }

  RunningStore store_;
  GaugeReader reader_{store_.store(), store_.clock()};
};

TEST_F(GaugeReaderTest, TellsOfAllThatAreOffline) {
  const Metrics::Gauges gauges = Read();
  EXPECT_EQ(gauges.blocked_subscriptions, 3U);
  EXPECT_EQ(gauges.oldest_offline_seconds, 180);
}

TEST_F(GaugeReaderTest, PassesOverAClientThatCannotBeRead) {
  EXPECT_EQ(Read().blocked_subscriptions, 3U);
  Damage(Family::kLedger, keys::Ledger("alice", store_.IdOf("early")));
  const Metrics::Gauges gauges = Read();
  EXPECT_EQ(gauges.blocked_subscriptions, 2U);
  EXPECT_EQ(gauges.oldest_offline_seconds, 240);
  EXPECT_EQ(store_.store().Damage().code(), StatusCode::kDataLoss) << "it is told elsewhere";
}

TEST_F(GaugeReaderTest, WithDamageItScansNoMoreOftenThanWithout) {
  Damage(Family::kLedger, keys::Ledger("alice", store_.IdOf("early")));
  EXPECT_EQ(Read().blocked_subscriptions, 2U);
  store_.Record({events::Acked("bob", store_.IdOf("early"), {RunOf(1, 2)})});
  EXPECT_EQ(reader_.Read({}, {}).blocked_subscriptions, 2U) << "of the last scan";
  EXPECT_EQ(Read().blocked_subscriptions, 1U);
}

TEST_F(GaugeReaderTest, TellsOfAllBeforeANameThatCannotBeRead) {
  Damage(Family::kLedger, "bz");  // no key, between bob and carol
  const Metrics::Gauges gauges = Read();
  EXPECT_EQ(gauges.blocked_subscriptions, 2U);
  EXPECT_EQ(gauges.oldest_offline_seconds, 180);
}

TEST_F(GaugeReaderTest, PassesOverAMessageThatCannotBeRead) {
  Damage(Family::kLog, keys::Log({1}));
  OnlineScan online;
  online.oldest = {{store_.IdOf("early"), {1}}, {store_.IdOf("late"), {2}}};
  const Metrics::Gauges gauges = Read(online);
  EXPECT_EQ(gauges.oldest_online_seconds, 120);
  EXPECT_EQ(gauges.oldest_offline_seconds, 120);
}

}  // namespace
}  // namespace ackwire
