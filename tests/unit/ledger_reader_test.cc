#include "store/ledger_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "store/record.h"
#include "tests/unit/ledger_events.h"
#include "tests/unit/row_place.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Where the rows are while a test reads them.
class LedgerReaderIn : public testing::TestWithParam<RowPlace> {
 protected:
  // Half of what a test writes is here, half is where the parameter says.
  void Move() { GetParam().move(store_); }
  const LedgerReader& ledger() const { return store_.ledger(); }

  TestStore store_;
};

INSTANTIATE_TEST_SUITE_P(
    , LedgerReaderIn,
    testing::Values(
        RowPlace{"TheTail", [](TestStore&) {}},
        RowPlace{"TheFrozenTail", [](TestStore& store) { (void)store.derived().Freeze(); }},
        RowPlace{"RocksDb", [](TestStore& store) { store.FoldNow(); }},
        RowPlace{"RocksDbAndTheTail", [](TestStore& store) { store.CrashBeforeCheckpoint(); }}),
    [](const auto& place) { return place.param.name; });

TEST_P(LedgerReaderIn, PagesThroughClientsInOrderOfName) {
  for (const char* client : {"bob", "alice/phone", "carol"}) store_.Subscribe(client, "room/1");
  Move();
  for (const char* client : {"alice", "albert", "dave/tv"}) store_.Subscribe(client, "room/2");
  EXPECT_THAT(ledger().Clients({.limit = 99}).value(),
              ElementsAre("albert", "alice", "alice/phone", "bob", "carol", "dave/tv"));
  EXPECT_THAT(ledger().Clients({.limit = 2}).value(), ElementsAre("albert", "alice"));
  EXPECT_THAT(ledger().Clients({.after = "alice", .limit = 2}).value(),
              ElementsAre("alice/phone", "bob"));
  EXPECT_THAT(ledger().Clients({.after = "b", .limit = 1}).value(), ElementsAre("bob"));
  EXPECT_THAT(ledger().Clients({.prefix = "al", .limit = 99}).value(),
              ElementsAre("albert", "alice", "alice/phone"));
  EXPECT_THAT(ledger().Clients({.prefix = "alice", .after = "alice", .limit = 99}).value(),
              ElementsAre("alice/phone"));
  EXPECT_THAT(ledger().Clients({.prefix = "x", .limit = 99}).value(), IsEmpty());
  EXPECT_THAT(ledger().Clients({.after = "dave/tv", .limit = 99}).value(), IsEmpty());
}

TEST_P(LedgerReaderIn, ListsMembersOfAChannel) {
  for (const char* client : {"bob", "alice", "carol"}) store_.Subscribe(client, "room/1");
  store_.Subscribe("eve", "room/2");
  Move();
  store_.Unsubscribe("bob", "room/1");
  store_.Subscribe("alice/phone", "room/1");
  const ChannelId room = store_.IdOf("room/1");
  EXPECT_THAT(ledger().Members(room, {.limit = 99}).value(),
              ElementsAre("alice", "alice/phone", "carol"));
  EXPECT_THAT(ledger().Members(room, {.limit = 1}).value(), ElementsAre("alice"));
  EXPECT_THAT(ledger().Members(room, {.after = "alice", .limit = 1}).value(),
              ElementsAre("alice/phone"));
  EXPECT_THAT(ledger().Members(room, {.prefix = "alice", .limit = 99}).value(),
              ElementsAre("alice", "alice/phone"));
  EXPECT_THAT(
      ledger().Members(room, {.prefix = "alice", .after = "alice/phone", .limit = 9}).value(),
      IsEmpty());
  EXPECT_THAT(ledger().Members({99}, {.limit = 99}).value(), IsEmpty());
}

TEST_P(LedgerReaderIn, PagesThroughMembersOfWhichSomeHaveLeft) {
  std::vector<std::string> expected;
  const auto name = [](int n) { return "c" + std::to_string(1000 + n); };
  for (int n = 0; n < 60; ++n) store_.Subscribe(name(n), "room/1");
  Move();
  // Of those before and after that move: whole pages of them are gone.
  for (int n = 60; n < 90; ++n) store_.Subscribe(name(n), "room/1");
  for (int n = 0; n < 90; ++n) {
    const bool leaves = (n >= 10 && n < 40) || (n >= 55 && n < 75) || n % 7 == 0;
    if (leaves) store_.Unsubscribe(name(n), "room/1");
    if (!leaves) expected.push_back(name(n));
  }
  const ChannelId room = store_.IdOf("room/1");
  for (const std::size_t limit : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{99},
                                  std::numeric_limits<std::size_t>::max()}) {
    std::vector<std::string> all;
    for (std::string after;;) {
      const auto page = ledger().Members(room, {.after = after, .limit = limit}).value();
      EXPECT_LE(page.size(), limit);
      if (page.empty()) break;
      all.insert(all.end(), page.begin(), page.end());
      after = page.back();
    }
    EXPECT_EQ(all, expected) << "in pages of " << limit;
  }
}

TEST_P(LedgerReaderIn, KnowsAClientAndItsSubscriptions) {
  EXPECT_FALSE(ledger().Client("alice")->known);
  store_.Record({events::SessionOpened("alice", FromUnixMs(2000))});
  store_.Subscribe("alice", "room/1");
  Move();
  store_.Subscribe("alice", "room/2");
  store_.Record({events::SessionClosed("alice", 3, FromUnixMs(9000))});
  const ClientState alice = ledger().Client("alice").value();
  EXPECT_TRUE(alice.known);
  EXPECT_EQ(alice.subscriptions, 2U);
  EXPECT_EQ(alice.disconnects, 3U);
  EXPECT_EQ(alice.last_seen_at, FromUnixMs(9000));
  const auto entries = ledger().Entries("alice").value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].channel, store_.IdOf("room/1"));
  EXPECT_EQ(entries[1].channel, store_.IdOf("room/2"));
  EXPECT_THAT(ledger().Entries("alic").value(), IsEmpty());
}

TEST_P(LedgerReaderIn, KnowsWhatIsParked) {
  store_.Subscribe("alice", "room/1");
  for (int i = 0; i < 5; ++i) store_.Publish("room/1", "hi");
  store_.Park("alice", "room/1", {2});
  store_.Park("alice", "room/1", {3});
  Move();
  const ChannelId room = store_.IdOf("room/1");
  store_.Park("alice", "room/1", {5});
  store_.Record({events::Acked("alice", room, {}, {{3}})});
  EXPECT_THAT(ledger().ParkedSeqs("alice", room).value(), ElementsAre(Seq{2}, Seq{5}));
  const auto by = ledger().ParkedBy("alice", room, {2}).value();
  ASSERT_TRUE(by.has_value());
  EXPECT_EQ(ledger().Event(*by)->event.parked().seq(), 2U);
  EXPECT_EQ(ledger().ParkedBy("alice", room, {3}).value(), std::nullopt);
  EXPECT_EQ(ledger().ParkedBy("alice", room, {4}).value(), std::nullopt);
  EXPECT_EQ(ledger().AckOf("alice", room, {3}).value()->event.acked().channels(0).unparked(0), 3U);
}

TEST_P(LedgerReaderIn, FindsTheAcknowledgementOfASeq) {
  store_.Subscribe("alice", "room/1");
  for (int i = 0; i < 9; ++i) store_.Publish("room/1", "hi");
  store_.clock().Advance(Duration(1000));
  const Timestamp first_at = store_.clock().Now();
  store_.Ack("alice", "room/1", RunOf(1, 3));
  Move();
  store_.clock().Advance(Duration(1000));
  store_.Ack("alice", "room/1", RunOf(6, 7));
  const ChannelId room = store_.IdOf("room/1");
  for (const std::uint64_t seq : {1U, 2U, 3U}) {
    EXPECT_EQ(ledger().AckOf("alice", room, {seq}).value()->committed_at, first_at) << seq;
  }
  EXPECT_EQ(ledger().AckOf("alice", room, {6}).value()->committed_at, store_.clock().Now());
  for (const std::uint64_t seq : {4U, 5U, 8U, 9U}) {
    EXPECT_FALSE(ledger().AckOf("alice", room, {seq}).value().has_value()) << seq;
  }
  EXPECT_FALSE(ledger().AckOf("bob", room, {1}).value().has_value());
  EXPECT_FALSE(ledger().AckOf("alice", {room.value + 1}, {1}).value().has_value());
}

TEST_P(LedgerReaderIn, TellsTheFailuresOfASeqOldestFirst) {
  store_.Subscribe("alice", "room/1");
  for (int i = 0; i < 5; ++i) store_.Publish("room/1", "hi");
  const ChannelId room = store_.IdOf("room/1");
  store_.Record({events::Failed("alice", room, RunOf(1, 3), {.attempt = 1})});
  store_.Record({events::Failed("alice", room, RunOf(2, 2), {.attempt = 2})});
  Move();
  store_.Record({events::Failed("alice", room, RunOf(4, 4), {.attempt = 1}),
                 events::Failed("alice", room, RunOf(2, 3), {.attempt = 3})});
  store_.Park("alice", "room/1", {2});
  store_.Record({events::Abandoned("alice", room, RunOf(4, 5))});
  const auto of = [&](std::uint64_t seq, std::size_t limit) {
    std::vector<std::string> told;
    const auto failures = ledger().FailureEvents("alice", room, {seq}, limit);
    for (const JournalEvent& each : failures.value()) {
      const store::Event& event = each.event;
      if (event.has_parked()) told.push_back("parked");
      if (event.has_abandoned()) told.push_back("abandoned");
      if (!event.has_failed()) continue;
      told.push_back(std::to_string(event.failed().channels(0).runs(0).attempt()));
    }
    return told;
  };
  EXPECT_THAT(of(2, 99), ElementsAre("1", "2", "3", "parked"));
  EXPECT_THAT(of(2, 2), ElementsAre("3", "parked")) << "the newest";
  EXPECT_THAT(of(3, 99), ElementsAre("1", "3"));
  EXPECT_THAT(of(4, 99), ElementsAre("1", "abandoned"));
  EXPECT_THAT(of(5, 99), ElementsAre("abandoned"));
  EXPECT_THAT(of(6, 99), IsEmpty());
}

TEST(LedgerReader, NoticesDamagedRows) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.FoldNow();
  const ChannelId room = store.IdOf("room/1");
  store.Overwrite(Family::kLedger, keys::Ledger("alice", room), "garbage");
  EXPECT_EQ(store.ledger().Entry("alice", room).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(store.ledger().Entries("alice").status().code(), StatusCode::kDataLoss);
  store.Overwrite(Family::kLedger, keys::Ledger("alice", {}), "garbage");
  EXPECT_EQ(store.ledger().Client("alice").status().code(), StatusCode::kDataLoss);
  store.Overwrite(Family::kLedger, "not a key", "");
  EXPECT_EQ(store.ledger().Clients({.limit = 99}).status().code(), StatusCode::kDataLoss);
  store.Overwrite(Family::kJournal, keys::Journal({1}), "garbage");
  EXPECT_EQ(store.ledger().Event(EventId::Of({1}, 0)).status().code(), StatusCode::kDataLoss);
}

TEST(LedgerReader, TellsOfDamagedRowsAndLeavesThemAsTheyAre) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Subscribe("bob", "room/1");
  store.Publish("room/1", "1");
  store.FoldNow();
  const ChannelId room = store.IdOf("room/1");
  const std::string alice = keys::Ledger("alice", room);
  store.Overwrite(Family::kLedger, alice, "garbage");
  store.Ack("alice", "room/1", {{1}, {1}});
  store.Ack("bob", "room/1", {{1}, {1}});
  store.FoldNow();
  EXPECT_THAT(MessageOf(store.database().damage().first()),
              testing::HasSubstr("ledger of alice, channel number 1"));
  EXPECT_EQ(store.database().Get(Family::kLedger, alice)->value(), "garbage");
  EXPECT_EQ(store.ledger().Entry("alice", room).status().code(), StatusCode::kDataLoss);
  store.Reopen();
  EXPECT_EQ(store.Entry("bob", "room/1").floor(), Seq{1}) << "what is whole goes on";
  EXPECT_EQ(store.ledger().Entry("alice", room).status().code(), StatusCode::kDataLoss);
}

TEST(LedgerReader, KnowsTheEventsThereAre) {
  TestStore store;
  store.Record({events::SessionOpened("alice"), events::SessionOpened("bob")});
  EXPECT_EQ(store.ledger().Event(EventId::Of({1}, 1))->event.client(), "bob");
  EXPECT_EQ(store.ledger().Event(EventId::Of({1}, 1))->committed_at, store.clock().Now());
  EXPECT_EQ(store.ledger().Event(EventId::Of({2}, 0)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store.ledger().Event(EventId::Of({1}, 2)).status().code(), StatusCode::kDataLoss);
}

TEST(LedgerReader, NamesARecordThatIsNone) {
  TestStore store;
  store.Record({events::SessionOpened("alice")});
  for (const char* body : {"\x1a\x7f", "\x1a\x02\x0a\x7f", "\x08"}) {
    store.Overwrite(Family::kJournal, keys::Journal({1}), record::Seal(std::string_view(body)));
    const Status status = store.ledger().Event(EventId::Of({1}, 0)).status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_THAT(MessageOf(status), testing::HasSubstr("journal record 1: "));
  }
}

}  // namespace
}  // namespace ackwire
