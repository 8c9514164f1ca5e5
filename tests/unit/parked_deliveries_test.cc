// What is parked: dismissed, as the writer records it, and read a part at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/row_place.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr StartAt kFirst{.kind = StartAt::Kind::kFirst};

// Seqs 1 to `count` of the channel are parked for the client.
void ParkAll(TestStore& store, const std::string& client, const std::string& channel,
             std::uint64_t count) {
  while (store.Info(channel).last.value < count) store.Publish(channel, "hi");
  store.Subscribe(client, channel, kFirst);
  for (Seq seq{1}; seq.value <= count; ++seq.value) store.Park(client, channel, seq);
}

Recorded RecordedOf(TestStore& store, std::vector<store::Event> events) {
  std::vector<Work> works = {TestStore::JournalWorkOf(std::move(events))};
  (void)store.Commit(works);
  return std::get<JournalWork>(works[0]).outcome.value();
}

std::vector<Seq> ParkedOf(TestStore& store, const std::string& client, const std::string& channel) {
  return store.ledger().ParkedSeqs(client, store.IdOf(channel)).value();
}

TEST(Dismissal, AbandonsWhatIsParkedAndNothingElse) {
  TestStore store;
  ParkAll(store, "alice", "room/1", 3);
  store.Publish("room/1", "owed");
  const ChannelId room = store.IdOf("room/1");
  const auto dismissal = events::Dismissed("alice", room, {{4}, {3}, {1}, {1}, {9}}, "old");
  EXPECT_EQ(RecordedOf(store, {dismissal}).dismissed, 2U);
  EXPECT_THAT(ParkedOf(store, "alice", "room/1"), ElementsAre(Seq{2}));
  EXPECT_EQ(store.totals().parked, 1U);
  EXPECT_EQ(store.totals().undelivered, 1U);
  EXPECT_EQ(store.Entry("alice", "room/1").parked(), 1U);
  const auto told = store.ledger().FailureEvents("alice", room, {3}, 10).value();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_THAT(told[1].event.abandoned().unparked(), ElementsAre(1, 3));
  EXPECT_EQ(told[1].event.abandoned().detail(), "old");
}

TEST(Dismissal, OfWhatIsNotParkedAnyMoreIsNotRecorded) {
  TestStore store;
  ParkAll(store, "alice", "room/1", 2);
  const ChannelId room = store.IdOf("room/1");
  EXPECT_EQ(RecordedOf(store, {events::Dismissed("alice", room, {{1}})}).dismissed, 1U);
  const JournalNumber last = store.derived().last_number();
  EXPECT_EQ(RecordedOf(store, {events::Dismissed("alice", room, {{1}})}).dismissed, 0U);
  EXPECT_EQ(RecordedOf(store, {events::Dismissed("nobody", room, {{1}})}).dismissed, 0U);
  EXPECT_EQ(store.derived().last_number(), last);
  EXPECT_EQ(store.totals().parked, 1U);
}

TEST(Dismissal, SeesWhatItsOwnCommitHasChanged) {
  TestStore store;
  ParkAll(store, "alice", "room/1", 3);
  store.Publish("room/1", "fourth");
  const ChannelId room = store.IdOf("room/1");
  const Recorded recorded = RecordedOf(
      store,
      {events::Acked("alice", room, {}, {Seq{1}}), events::Dismissed("alice", room, {{2}}),
       events::Parked("alice", room, {4}), events::Dismissed("alice", room, {{1}, {2}, {3}, {4}})});
  EXPECT_EQ(recorded.dismissed, 3U);
  EXPECT_EQ(store.totals().parked, 0U);
  const std::string before = store.Describe();
  store.CrashBeforeCheckpoint();
  EXPECT_EQ(store.Describe(), before);
}

TEST(Pause, IsOfTheClientAndLastsOverEveryFold) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Record({events::Paused("alice", "database away")});
  for (int i = 0; i < 3; ++i) {
    const ClientState state = store.ledger().Client("alice").value();
    EXPECT_TRUE(state.paused);
    EXPECT_EQ(state.pause_note, "database away");
    EXPECT_EQ(state.paused_at, FromUnixMs(1000));
    EXPECT_EQ(state.subscriptions, 1U);
    i == 0 ? store.CrashBeforeCheckpoint() : store.FoldNow();
  }
  store.Record({events::Resumed("alice")});
  const ClientState state = store.ledger().Client("alice").value();
  EXPECT_FALSE(state.paused);
  EXPECT_EQ(state.pause_note, "");
  EXPECT_EQ(state.paused_at, Timestamp());
}

TEST(Pause, OfAClientNeverHeardOfCountsIt) {
  TestStore store;
  store.Record({events::Paused("alice"), events::Resumed("alice")});
  EXPECT_EQ(store.totals().clients, 1U);
  EXPECT_EQ(store.CountTotals().clients, 1U);
}

class ParkedPagesIn : public testing::TestWithParam<RowPlace> {
 protected:
  // All pages, as "alice 1 2": client, channel number, seq. None is longer than the limit.
  std::vector<std::string> Read(LedgerReader::ParkedQuery query) {
    std::vector<std::string> all;
    do {
      const auto page = store_.ledger().Parked(query).value();
      EXPECT_LE(page.deliveries.size(), query.limit);
      for (const ParkedDelivery& each : page.deliveries) {
        all.push_back(each.client + ' ' + std::to_string(each.channel.value) + ' ' +
                      std::to_string(each.seq.value));
        EXPECT_EQ(store_.ledger().ParkedBy(each.client, each.channel, each.seq).value(), each.by);
      }
      query.from = page.next;
    } while (!query.from.empty());
    return all;
  }

  TestStore store_;
};

INSTANTIATE_TEST_SUITE_P(
    , ParkedPagesIn,
    testing::Values(RowPlace{"TheTail", [](TestStore&) {}},
                    RowPlace{"TheFrozenTail", [](TestStore& s) { (void)s.derived().Freeze(); }},
                    RowPlace{"RocksDb", [](TestStore& s) { s.FoldNow(); }},
                    RowPlace{"RocksDbAndTheTail", [](TestStore& s) { s.CrashBeforeCheckpoint(); }}),
    [](const auto& place) { return place.param.name; });

TEST_P(ParkedPagesIn, AreInOrderWhole) {
  EXPECT_THAT(Read({.limit = 2}), IsEmpty());
  ParkAll(store_, "bob", "room/1", 2);
  ParkAll(store_, "alice/phone", "room/2", 3);
  GetParam().move(store_);
  // What is newer puts some between, and takes some away.
  ParkAll(store_, "alice", "room/1", 1);
  ParkAll(store_, "alice/phone", "room/1", 1);
  store_.Record({events::Dismissed("alice/phone", store_.IdOf("room/2"), {{1}, {2}})});
  store_.Record({events::Acked("bob", store_.IdOf("room/1"), {}, {Seq{2}})});
  for (const std::size_t limit : {1U, 2U, 3U, 100U}) {
    EXPECT_THAT(Read({.limit = limit}),
                ElementsAre("alice 1 1", "alice/phone 1 1", "alice/phone 2 3", "bob 1 1"));
    EXPECT_THAT(Read({.client = "alice/phone", .limit = limit}),
                ElementsAre("alice/phone 1 1", "alice/phone 2 3"));
    EXPECT_THAT(Read({.client = "alice/phone", .channel = {2}, .limit = limit}),
                ElementsAre("alice/phone 2 3"));
    EXPECT_THAT(Read({.client = "ali", .limit = limit}), IsEmpty());
  }
}

}  // namespace
}  // namespace ackwire
