#include "store/failure_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <tuple>

#include "ackwire/v1/deliveries.pb.h"
#include "store/keys.h"
#include "store/migrate.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "alice a 1-3 nack": the newest first, or with kForward the oldest.
using Lines = std::vector<std::string>;

class FailureReaderTest : public testing::Test {
 protected:
  FailureReaderTest() {
    for (const char* channel : {"room/a", "room/b", "hall"}) {
      for (int i = 0; i < 3; ++i) store_.Publish(channel, "", {.id = "m-" + std::to_string(i)});
      for (const char* client : {"alice", "bob"}) {
        store_.Subscribe(client, channel, {.kind = StartAt::Kind::kFirst});
      }
    }
    a_ = store_.IdOf("room/a");
    b_ = store_.IdOf("room/b");
  }

  // A part of what is recorded is in RocksDB, a part in a frozen tail, a part in the active one.
  void RecordSome() {
    Fail("alice", a_, {{1}, {3}}, v1::REASON_NACK, 10);
    Fail("bob", b_, {{2}, {2}}, v1::REASON_ACK_TIMEOUT, 20);
    store_.FoldNow();
    store_.Record({events::Acked("alice", b_, {{{1}, {1}}})});
    Fail("alice", store_.IdOf("hall"), {{1}, {1}}, v1::REASON_NACK, 30);
    (void)store_.derived().Freeze();
    // One commit: two clients' connections ended, one of them over two channels.
    Pass(40);
    store::Event both = FailedEvent("bob", a_, {{1}, {2}}, v1::REASON_DISCONNECTED, 40);
    auto& part = *both.mutable_failed()->add_channels();
    part.set_channel(b_.value);
    events::SetRun(*part.add_runs(), {{2}, {3}});
    store_.Record({FailedEvent("alice", a_, {{2}, {2}}, v1::REASON_DISCONNECTED, 40), both});
  }

  // So long after the beginning.
  [[nodiscard]] Timestamp At(int ms) const { return began_ + Duration(ms); }

  void Pass(int until_ms) { store_.clock().Advance(At(until_ms) - store_.clock().Now()); }

  [[nodiscard]] store::Event FailedEvent(const std::string& client, ChannelId channel, SeqRun seqs,
                                         v1::Reason reason, int at_ms) const {
    store::Event event = events::Failed(client, channel, seqs, {.reason = reason});
    event.set_at_ms(ToUnixMs(At(at_ms)));
    return event;
  }

  void Fail(const std::string& client, ChannelId channel, SeqRun seqs, v1::Reason reason,
            int at_ms) {
    Pass(at_ms);
    store_.Record({FailedEvent(client, channel, seqs, reason, at_ms)});
  }

  std::string LineOf(const Failure& failure) const {
    const std::string channel = store_.derived().Read(
        [&](const DerivedView& view) { return view.channels.Get(failure.channel)->name; });
    const std::string reason = v1::Reason_Name(static_cast<v1::Reason>(failure.reason)).substr(7);
    return failure.client + " " + channel + " " + std::to_string(failure.seqs.first.value) + "-" +
           std::to_string(failure.seqs.last.value) + " " + reason;
  }

  // All pages of so many.
  Lines List(const FailureQuery& query, Direction direction = Direction::kReverse,
             std::size_t page_size = 100) const {
    Lines lines;
    FailureReader::Part part{.direction = direction, .limit = page_size};
    do {
      const auto page = reader().List(query, part);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->failures.size(), page_size);
      for (const Failure& failure : page->failures) lines.push_back(LineOf(failure));
      part.from = page->next;
    } while (part.from.value != 0);
    return lines;
  }

  FailureReader reader() const { return FailureReader(store_.database(), store_.derived()); }

  mutable TestStore store_;
  const Timestamp began_ = store_.clock().Now();
  ChannelId a_;
  ChannelId b_;
};

TEST_F(FailureReaderTest, ListsNothingWhereNothingFailed) {
  EXPECT_THAT(List({}), IsEmpty());
  EXPECT_THAT(List({.client = "alice"}, Direction::kForward), IsEmpty());
}

TEST_F(FailureReaderTest, ListsAllInOrderFromBothEndsAndInPagesOfAnySize) {
  RecordSome();
  const Lines oldest_first = {"alice room/a 1-3 NACK",       "bob room/b 2-2 ACK_TIMEOUT",
                              "alice hall 1-1 NACK",         "alice room/a 2-2 DISCONNECTED",
                              "bob room/a 1-2 DISCONNECTED", "bob room/b 2-3 DISCONNECTED"};
  const Lines newest_first(oldest_first.rbegin(), oldest_first.rend());
  for (const std::size_t page_size : {1U, 2U, 3U, 100U}) {
    EXPECT_EQ(List({}, Direction::kForward, page_size), oldest_first) << page_size;
    EXPECT_EQ(List({}, Direction::kReverse, page_size), newest_first) << page_size;
  }
  store_.Reopen();
  EXPECT_EQ(List({}, Direction::kForward), oldest_first);
  store_.FoldNow();
  EXPECT_EQ(List({}, Direction::kForward), oldest_first);
  EXPECT_EQ(List({}, Direction::kReverse, 1), newest_first);
}

TEST_F(FailureReaderTest, ListsThoseOfAClientAChannelAReasonAndAMessage) {
  RecordSome();
  EXPECT_THAT(List({.client = "bob"}),
              ElementsAre("bob room/b 2-3 DISCONNECTED", "bob room/a 1-2 DISCONNECTED",
                          "bob room/b 2-2 ACK_TIMEOUT"));
  EXPECT_THAT(List({.channel = "hall"}), ElementsAre("alice hall 1-1 NACK"));
  EXPECT_THAT(List({.channel = "no such room"}), IsEmpty());
  EXPECT_THAT(List({.reasons = {v1::REASON_NACK}}),
              ElementsAre("alice hall 1-1 NACK", "alice room/a 1-3 NACK"));
  EXPECT_THAT(List({.channel = "room/a", .seq = {3}}), ElementsAre("alice room/a 1-3 NACK"));
  EXPECT_THAT(List({.channel = "room/a", .seq = {2}}),
              ElementsAre("bob room/a 1-2 DISCONNECTED", "alice room/a 2-2 DISCONNECTED",
                          "alice room/a 1-3 NACK"));
  EXPECT_THAT(List({.channel = "room/b", .seq = {1}}), IsEmpty());
}

TEST_F(FailureReaderTest, ListsWhatFitsAllThatIsAskedFor) {
  RecordSome();
  EXPECT_THAT(List({.client = "bob", .channel = "room/b"}),
              ElementsAre("bob room/b 2-3 DISCONNECTED", "bob room/b 2-2 ACK_TIMEOUT"));
  EXPECT_THAT(List({.channel = "room/*"}).size(), 5);
  EXPECT_THAT(List({.channel = "*"}).size(), 6);
  EXPECT_THAT(List({.client = "alice", .reasons = {v1::REASON_NACK, v1::REASON_ACK_TIMEOUT}}),
              ElementsAre("alice hall 1-1 NACK", "alice room/a 1-3 NACK"));
  EXPECT_THAT(List({.client = "alice", .channel = "room/a", .seq = {2}}),
              ElementsAre("alice room/a 2-2 DISCONNECTED", "alice room/a 1-3 NACK"));
}

TEST_F(FailureReaderTest, ListsWhatHappenedBetweenTwoTimes) {
  RecordSome();
  const auto between = [&](int since, int until) {
    return List({.since = At(since), .until = At(until)}).size();
  };
  EXPECT_EQ(between(0, 1000), 6U);
  EXPECT_EQ(between(11, 1000), 5U);
  EXPECT_EQ(between(10, 40), 3U);
  EXPECT_EQ(between(20, 21), 1U);
  EXPECT_EQ(between(40, 41), 3U);
  EXPECT_EQ(between(41, 1000), 0U);
  EXPECT_EQ(between(0, 10), 0U);
}

// The time that is shown counts, however late a busy disk had it recorded.
TEST_F(FailureReaderTest, ListsByWhenItHappenedAndNotByWhenItWasRecorded) {
  const auto count = [&](const FailureQuery& query) { return List(query).size(); };
  Pass(50'000);
  store_.Record({FailedEvent("alice", a_, {{1}, {1}}, v1::REASON_NACK, 10)});
  Pass(50'010);
  store_.Record({FailedEvent("alice", a_, {{2}, {2}}, v1::REASON_NACK, 50'005)});
  EXPECT_EQ(count({.until = At(10)}), 0U);
  EXPECT_EQ(count({.until = At(11)}), 1U);
  EXPECT_EQ(count({.until = At(50'005)}), 1U);
  EXPECT_EQ(count({.until = At(50'006)}), 2U);
  EXPECT_EQ(count({.since = At(10)}), 2U);
  EXPECT_EQ(count({.since = At(11)}), 1U);
  EXPECT_EQ(count({.since = At(50'006)}), 0U);
  EXPECT_EQ(count({.since = At(11), .until = At(50'005)}), 0U);
}

TEST_F(FailureReaderTest, HasParkedAbandonedAndUnsubscribedAmongThem) {
  store_.Park("alice", "room/a", {1});
  store_.Record({events::Abandoned("alice", a_, {{2}, {2}})});
  store_.Unsubscribe("alice", "room/a");
  store_.Unsubscribe("bob", "room/b");
  const Lines lines = List({}, Direction::kForward);
  EXPECT_THAT(lines, ElementsAre("alice room/a 1-1 UNSPECIFIED", "alice room/a 2-2 UNSPECIFIED",
                                 "alice room/a 3-3 UNSUBSCRIBED", "bob room/b 1-3 UNSUBSCRIBED"));
}

TEST_F(FailureReaderTest, HasWhatWasDismissedWithTheNote) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq) store_.Park("alice", "room/a", {seq});
  store_.Record({events::Dismissed("alice", a_, {{1}, {2}, {3}}, "old")});
  EXPECT_THAT(List({.reasons = {v1::REASON_DISMISSED}}, Direction::kForward),
              ElementsAre("alice room/a 1-3 DISMISSED"));
  EXPECT_EQ(reader().List({}, {.limit = 1})->failures.front().detail, "old");
}

// Of many channels in turns, over several frames and with times of their own for the next attempt.
TEST_F(FailureReaderTest, HasARunForEachChannelAndAttemptOfAnEvent) {
  store::Event event = events::Failed("alice", a_, {{1}, {1}}, {.reason = v1::REASON_NACK});
  for (const auto& [channel, seq, attempt] :
       std::vector<std::tuple<ChannelId, std::uint64_t, std::uint32_t>>{
           {b_, 1, 1}, {a_, 2, 1}, {b_, 2, 1}, {a_, 3, 1}, {b_, 3, 2}}) {
    auto& part = *event.mutable_failed()->add_channels();
    part.set_channel(channel.value);
    part.set_due_at_ms(1000 + static_cast<std::int64_t>(seq));
    events::SetRun(*part.add_runs(), {{seq}, {seq}});
    part.mutable_runs(0)->set_attempt(attempt);
    part.mutable_runs(0)->set_sent_at_ms(static_cast<std::int64_t>(seq));
  }
  store_.Record({event});
  EXPECT_THAT(
      List({}, Direction::kForward),
      ElementsAre("alice room/a 1-3 NACK", "alice room/b 1-2 NACK", "alice room/b 3-3 NACK"));
  const auto page = reader().List({}, {.limit = 9});
  EXPECT_THAT(page->failures.front().attempt, 2U);
}

// A client's last word on an attempt that had ended before is all that tells of the rejection.
TEST_F(FailureReaderTest, HasWhatWasRejectedOnce) {
  store::Event parked = events::Parked("alice", a_, {1});
  parked.mutable_parked()->set_reason(v1::REASON_REJECTED);
  store_.Record({FailedEvent("alice", a_, {{1}, {1}}, v1::REASON_REJECTED, 0), parked});
  EXPECT_THAT(List({}), ElementsAre("alice room/a 1-1 REJECTED"));
  parked = events::Parked("alice", a_, {2});
  parked.mutable_parked()->set_reason(v1::REASON_REJECTED);
  parked.mutable_parked()->set_late(true);
  store_.Record({parked});
  EXPECT_THAT(List({}), ElementsAre("alice room/a 2-2 REJECTED", "alice room/a 1-1 REJECTED"));
}

TEST_F(FailureReaderTest, FindsEachSeqOfALongRun) {
  for (int i = 0; i < 40; ++i) store_.Publish("room/a", "");
  store_.Record({events::Abandoned("alice", a_, {{3}, {37}})});
  for (std::uint64_t seq = 1; seq <= 43; ++seq) {
    EXPECT_EQ(List({.channel = "room/a", .seq = {seq}}).size(), seq >= 3 && seq <= 37 ? 1U : 0U)
        << seq;
  }
}

TEST(SeqBlocks, CutARunIntoFewAndAreFoundAroundEachOfItsSeqs) {
  for (std::uint64_t first = 1; first <= 40; ++first) {
    for (std::uint64_t last = first; last <= 40; ++last) {
      const std::vector<SeqBlock> blocks = BlocksOf({{first}, {last}});
      std::uint64_t next = first;
      for (const SeqBlock& block : blocks) {
        EXPECT_EQ(block.number << block.level, next);
        next += std::uint64_t{1} << block.level;
      }
      EXPECT_EQ(next, last + 1);
      EXPECT_LE(blocks.size(), 11U);
      for (std::uint64_t seq = 1; seq <= 40; ++seq) {
        const std::vector<SeqBlock> around = BlocksAround({seq}, {40});
        const auto holds = [&](const SeqBlock& block) {
          return std::find(around.begin(), around.end(), block) != around.end();
        };
        EXPECT_EQ(std::count_if(blocks.begin(), blocks.end(), holds),
                  first <= seq && seq <= last ? 1 : 0);
      }
    }
  }
  EXPECT_LE(BlocksOf({{3}, {1'000'000'007}}).size(), 60U);
}

// Whoever asks for what is rare gets an answer in bounded time, and the rest by asking on.
TEST_F(FailureReaderTest, LooksAtSoManyRecordsForAPageAndNoMore) {
  Fail("alice", b_, {{1}, {1}}, v1::REASON_ACK_TIMEOUT, 10);
  for (std::size_t i = 0; i < FailureReader::kRecordsLookedAtMax + 10; ++i) {
    Fail("alice", a_, {{1}, {1}}, v1::REASON_NACK, 20);
  }
  const FailureQuery query{.client = "alice", .reasons = {v1::REASON_ACK_TIMEOUT}};
  const auto page = reader().List(query, {.limit = 10});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->failures, IsEmpty());
  EXPECT_NE(page->next.value, 0U);
  EXPECT_THAT(List(query), ElementsAre("alice room/b 1-1 ACK_TIMEOUT"));
  EXPECT_THAT(List(query, Direction::kForward), ElementsAre("alice room/b 1-1 ACK_TIMEOUT"));
}

// However many failures one commit makes: the page ends within its record, and the next begins
// there.
TEST_F(FailureReaderTest, LooksAtSoManyFailuresOfARecordForAPageAndNoMore) {
  constexpr std::size_t kRest = 10;
  std::vector<store::Event> events(FailureReader::kFailuresLookedAtMax + kRest,
                                   FailedEvent("alice", a_, {{1}, {1}}, v1::REASON_NACK, 0));
  events.front() = FailedEvent("bob", b_, {{1}, {1}}, v1::REASON_NACK, 0);
  events.back() = FailedEvent("bob", b_, {{2}, {2}}, v1::REASON_NACK, 0);
  store_.Record(events);
  const FailureQuery query{.client = "bob"};
  const auto first_of = [&](Direction direction) {
    return reader().List(query, {.direction = direction, .limit = 100});
  };
  const auto oldest = first_of(Direction::kForward);
  ASSERT_TRUE(oldest.ok()) << oldest.status();
  ASSERT_EQ(oldest->failures.size(), 1U);
  EXPECT_EQ(oldest->failures.front().seqs, RunOf(1, 1));
  const JournalNumber number = oldest->failures.front().id.number();
  EXPECT_EQ(oldest->next, FailureId::Of(number, FailureReader::kFailuresLookedAtMax));
  const auto newest = first_of(Direction::kReverse);
  ASSERT_TRUE(newest.ok()) << newest.status();
  ASSERT_EQ(newest->failures.size(), 1U);
  EXPECT_EQ(newest->failures.front().seqs, RunOf(2, 2));
  EXPECT_EQ(newest->next, FailureId::Of(number, kRest - 1));
  EXPECT_THAT(List(query), ElementsAre("bob room/b 2-2 NACK", "bob room/b 1-1 NACK"));
  EXPECT_THAT(List(query, Direction::kForward),
              ElementsAre("bob room/b 1-1 NACK", "bob room/b 2-2 NACK"));
}

// What is whole is listed from both sides of it, and the error says where the other side begins.
TEST_F(FailureReaderTest, EndsAPageBeforeADamagedRecordAndNamesIt) {
  RecordSome();
  const auto all = reader().List({}, {.direction = Direction::kForward, .limit = 9});
  const JournalNumber number = all->failures[2].id.number();
  store_.Overwrite(Family::kJournal, keys::Journal(number), "garbage");
  FailureReader::Part part{.direction = Direction::kForward, .limit = 9};
  auto page = reader().List({}, part);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->failures.size(), 2U);
  part.from = page->next;
  const Status status = reader().List({}, part).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  const FailureId behind = FailureId::Of({number.value + 1}, 0);
  EXPECT_THAT(MessageOf(status),
              testing::AllOf(testing::HasSubstr("journal record " + std::to_string(number.value)),
                             testing::HasSubstr("begins with id " + std::to_string(behind.value))));
  part.from = behind;
  page = reader().List({}, part);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->failures.size(), 3U);
  page = reader().List({}, {.limit = 9});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->failures.size(), 3U);
  page = reader().List({.since = At(0)}, {.limit = 9});
  ASSERT_TRUE(page.ok()) << page.status() << "; times are found past it";
  EXPECT_EQ(page->failures.size(), 3U);
}

std::set<std::string> ListedKeys(const Database& database) {
  std::set<std::string> keys;
  const auto row = database.NewIterator(Family::kFailures, {{}, keys::FailuresEnd()});
  for (; row->Valid(); row->Next()) keys.insert(row->key().ToString());
  return keys;
}

// A log of format 1 has no lists: they are what a server of this format would have written.
TEST_F(FailureReaderTest, MigrationMakesTheListsOfAnOlderLog) {
  RecordSome();
  store_.Reopen();
  store_.FoldNow();
  Fail("alice", b_, {{3}, {3}}, v1::REASON_NACK, 50);  // not folded
  const std::set<std::string> before = ListedKeys(store_.database());
  EXPECT_GT(before.size(), 20U);
  for (const std::string& key : before) store_.Erase(Family::kFailures, key);
  ASSERT_THAT(ListedKeys(store_.database()), IsEmpty());
  ASSERT_TRUE(BackfillFailureLists(store_.database()).ok());
  EXPECT_EQ(ListedKeys(store_.database()), before);
  EXPECT_EQ(List({}).size(), 7U);
}

TEST_F(FailureReaderTest, MigrationLeavesOutWhatIsDamaged) {
  RecordSome();
  store_.Reopen();
  store_.FoldNow();
  const JournalNumber first = reader()
                                  .List({}, {.direction = Direction::kForward, .limit = 1})
                                  ->failures.front()
                                  .id.number();
  for (const std::string& key : ListedKeys(store_.database())) {
    store_.Erase(Family::kFailures, key);
  }
  store_.Overwrite(Family::kJournal, keys::Journal(first), "garbage");
  ASSERT_TRUE(BackfillFailureLists(store_.database()).ok());
  EXPECT_EQ(List({}).size(), 5U);
}

}  // namespace
}  // namespace ackwire
