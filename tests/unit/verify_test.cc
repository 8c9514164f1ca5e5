#include "store/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <fstream>

#include "store/outbox_rows.h"
#include "store/record.h"
#include "store/recovery.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A store with a row in each derived family, all of it moved to disk; then what a test changes
// behind its back; then verify.
class VerifyTest : public testing::Test {
 protected:
  VerifyTest() {
    store_.Subscribe("alice", "room/1");
    store_.Record({events::SessionOpened("alice")});
    store_.Publish("room/1", "1", {.id = "m-1"});
    store_.Publish("room/2", "2", {.id = "m-2"});
    store_.Publish("room/1", "3", {.id = "m-3"});
    store_.Publish("room/1", "4", {.id = "m-4"});
    store_.Ack("alice", "room/1", {{1}, {1}});
    store_.Park("alice", "room/1", {2});
    store_.FoldNow();
  }

  // Differences as "family: key: stored / expected".
  std::vector<std::string> Differences() {
    store_.Close();
    std::vector<std::string> found;
    const auto directory = DataDirectory::OpenExisting(store_.directory() / "data");
    EXPECT_TRUE(directory.ok()) << directory.status();
    VerifyOptions options;
    options.scratch = scratch_.path();
    options.differs = [&](const Difference& each) {
      found.push_back(each.family + ": " + each.key + ": " + each.stored.value_or("missing") +
                      " / " + each.expected.value_or("unexpected"));
    };
    const auto report = Verify(**directory, options);
    EXPECT_TRUE(report.ok()) << report.status();
    if (report.ok()) report_ = *report;
    EXPECT_EQ(report_.differences, found.size());
    EXPECT_TRUE(std::filesystem::is_empty(scratch_.path())) << "the scratch database is removed";
    return found;
  }

  std::string Only() {
    const std::vector<std::string> found = Differences();
    EXPECT_EQ(found.size(), 1U) << testing::PrintToString(found);
    return found.empty() ? "" : found.front();
  }

  [[nodiscard]] ChannelId room() const { return store_.IdOf("room/1"); }

  TestStore store_;
  TemporaryDirectory scratch_;
  VerifyReport report_;
};

TEST_F(VerifyTest, FindsNothingInAStoreThatIsWhole) {
  EXPECT_THAT(Differences(), IsEmpty());
  EXPECT_TRUE(report_.derived_compared);
  EXPECT_EQ(report_.messages, 4U);
  EXPECT_EQ(report_.journal_records, 4U);
  // index 4, ids 4, channels 2, ledger 2, members 1, parked 1, failures 1 and 5 of lists, history 1
  EXPECT_EQ(report_.derived_rows, 21U);
}

TEST_F(VerifyTest, FindsNothingInAnEmptyStore) {
  TestStore empty;
  empty.Close();
  VerifyOptions options;
  options.scratch = scratch_.path();
  options.differs = [](const Difference& each) { FAIL() << each.family << each.key; };
  const auto directory = DataDirectory::OpenExisting(empty.directory() / "data");
  const auto report = Verify(**directory, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->derived_rows, 0U);
}

TEST_F(VerifyTest, ComparesWithTheCheckpointAndNotWithWhatCameAfterIt) {
  store_.Publish("room/3", "5");
  store_.Subscribe("bob", "room/3");
  EXPECT_THAT(Differences(), IsEmpty());
  EXPECT_EQ(report_.messages, 5U);
  EXPECT_EQ(report_.derived_rows, 21U);
}

TEST_F(VerifyTest, NamesAWrongRowOfTheIndex) {
  store_.OverwriteIndex(room(), {3}, {2});
  EXPECT_EQ(Only(), "index: channel room/1, seq 3: position 2 / position 4");
}

TEST_F(VerifyTest, NamesEachSeqThatTheIndexLacks) {
  store_.Erase(Family::kIndex, store_.IndexKeyOf(room(), {1}).value());
  EXPECT_THAT(Differences(), ElementsAre("index: channel room/1, seq 1: missing / position 1",
                                         "index: channel room/1, seq 2: missing / position 3",
                                         "index: channel room/1, seq 3: missing / position 4"));
}

// The log is folded at once here, and the server did it bit by bit.
TEST_F(VerifyTest, TakesTheIndexForTheSameHoweverItIsCutIntoRows) {
  for (int i = 0; i < 300; ++i) {
    store_.Publish("room/1", "");
    if (i % 7 == 0) store_.FoldNow();
  }
  store_.FoldNow();
  EXPECT_THAT(Differences(), IsEmpty());
  EXPECT_EQ(report_.derived_rows, 21U + 2 * 300);  // index and ids
}

TEST_F(VerifyTest, NamesAMissingRowOfTheIds) {
  store_.Erase(Family::kIds, keys::Ids(room(), keys::HashOfId("m-3")));
  EXPECT_THAT(Only(), testing::MatchesRegex(
                          "ids: channel room/1, id with hash [0-9a-f]{32}: missing / position 3"));
}

TEST_F(VerifyTest, NamesASuperfluousMember) {
  store_.Overwrite(Family::kMembers, keys::Members(room(), "mallory"), "");
  EXPECT_EQ(Only(), "members: channel room/1, client mallory: a row / unexpected");
}

TEST_F(VerifyTest, NamesAWrongChannel) {
  store::ChannelRow row;
  row.set_id(room().value);
  row.set_last_seq(9);
  store_.Overwrite(Family::kChannels, "room/1", record::Seal(row));
  EXPECT_THAT(Only(),
              testing::MatchesRegex("channels: channel room/1: .*last_seq: 9.* / .*last_seq: 3.*"));
}

TEST_F(VerifyTest, NamesALedgerRowAndWhatItShouldSay) {
  store::LedgerRow row;
  row.set_start(1);
  row.set_floor(3);
  store_.Overwrite(Family::kLedger, keys::Ledger("alice", room()), record::Seal(row));
  const std::string found = Only();
  EXPECT_THAT(found, HasSubstr("ledger: client alice, channel room/1: {start: 1 floor: 3}"));
  EXPECT_THAT(found, HasSubstr("floor: 2"));
}

TEST_F(VerifyTest, NamesADamagedLedgerRow) {
  store_.Overwrite(Family::kLedger, keys::Ledger("alice", {}), "not a row at all");
  EXPECT_THAT(Only(), HasSubstr("ledger: client alice: damaged"));
}

TEST_F(VerifyTest, NamesRowsOfParkedFailuresAndHistory) {
  store_.Overwrite(Family::kParked, keys::Numbered("alice", room(), 3), keys::U64(1));
  store_.Overwrite(Family::kFailures, keys::Numbered("alice", room(), 1U << 20U), "");
  store_.Erase(Family::kHistory, keys::Numbered("alice", room(), 1));
  EXPECT_THAT(
      Differences(),
      ElementsAre("parked: client alice, channel room/1, seq 3: event 1 of journal record 0 / "
                  "unexpected",
                  "failures: client alice, channel room/1, event 0 of journal record 1: a row / "
                  "unexpected",
                  "history: client alice, channel room/1, seq 1: missing / event 0 of journal "
                  "record 3"));
}

TEST_F(VerifyTest, NamesWrongTotals) {
  const auto value = *store_.database().Get(Family::kMeta, meta::kDerived);
  store::DerivedCheckpoint checkpoint;
  ASSERT_TRUE(record::OpenInto(*value, "checkpoint", checkpoint).ok());
  checkpoint.set_undelivered(7);
  store_.Overwrite(Family::kMeta, meta::kDerived, record::Seal(checkpoint));
  EXPECT_THAT(Only(), HasSubstr("undelivered: 7"));
}

TEST_F(VerifyTest, NamesGapsInTheLogAndWhichSeqsTheyAre) {
  store_.Erase(Family::kLog, keys::Log({3}));
  EXPECT_THAT(Differences(), ElementsAre("log: position 3: missing / a message",
                                         "log: position 4: seq 3 of channel room/1 / seq 2"));
  EXPECT_FALSE(report_.derived_compared);
}

TEST_F(VerifyTest, NamesALogThatEndsTooEarly) {
  store_.Erase(Family::kLog, keys::Log({4}));
  EXPECT_THAT(Differences(),
              testing::Contains("log: position 4: missing / messages, for the checkpoint of the "
                                "derived families says so"));
}

TEST_F(VerifyTest, NamesGapsInTheJournal) {
  store_.Erase(Family::kJournal, keys::Journal({2}));
  EXPECT_EQ(Only(), "journal: record 2: missing / a record");
}

TEST_F(VerifyTest, GoesOnAfterARowThatCannotBeParsed) {
  store_.Overwrite(Family::kLog, keys::Log({1}), "nonsense");
  store_.Overwrite(Family::kJournal, keys::Journal({4}), "nonsense");
  const std::vector<std::string> found = Differences();
  ASSERT_EQ(found.size(), 3U) << testing::PrintToString(found);
  EXPECT_THAT(found[0], HasSubstr("log: position 1: "));
  EXPECT_THAT(found[1], HasSubstr("log: position 3: seq 2 of channel room/1 / seq 1"));
  EXPECT_THAT(found[2], HasSubstr("journal: record 4: damaged"));
}

TEST_F(VerifyTest, NamesAMessageWhoseSeqIsNotTheNext) {
  auto stored = store_.log().ReadAt({4});
  ASSERT_TRUE(stored.ok());
  stored->message.set_seq(7);
  store_.Overwrite(Family::kLog, keys::Log({4}), MakeLogRow(*stored));
  EXPECT_EQ(Only(), "log: position 4: seq 7 of channel room/1 / seq 3");
}

TEST_F(VerifyTest, NamesMissingAndSuperfluousRowsOfTheOutbox) {
  OutboxRows rows(store_.database(), store_.log());
  ASSERT_TRUE(rows.Trim({{1}, {0}}).ok());
  store::OutboxRow row;
  row.set_first_position(1);
  row.set_last_position(1);
  store_.Overwrite(Family::kOutbox, keys::Outbox({1}, {}), record::Seal(row));
  store_.Erase(Family::kOutbox, keys::Outbox({3}, {}));
  store_.Erase(Family::kOutbox, keys::Outbox({4}, {4}));
  EXPECT_THAT(
      Differences(),
      ElementsAre("outbox: position 1, journal record 0: a row / unexpected",
                  "outbox: position 3: missing / a row that brings it",
                  "outbox: after position 4 and journal record 3: missing / rows up to position "
                  "4 and journal record 4"));
}

TEST_F(VerifyTest, NamesALogThatIsNotTheOneOfTheWatermark) {
  store_.Reopen();  // marks position 4
  const auto row = store_.database().Get(Family::kJournal, keys::Journal({4}));
  store::JournalRecord another;
  ASSERT_TRUE(record::OpenInto(**row, "", another).ok());
  another.set_at_ms(another.at_ms() + 1);
  store_.Overwrite(Family::kJournal, keys::Journal({4}), record::Seal(another));
  EXPECT_EQ(Only(),
            "watermark: hash: another / that of the rows at position 4 and journal record 4");
}

TEST_F(VerifyTest, NamesAFileWithADamagedBlock) {
  ASSERT_TRUE(store_.database().rocks().Flush({}, store_.database().handle(Family::kLog)).ok());
  store_.Close();
  std::vector<std::filesystem::path> tables;
  for (const auto& file : std::filesystem::directory_iterator(store_.directory() / "data" / "db")) {
    if (file.path().extension() == ".sst") tables.push_back(file.path());
  }
  ASSERT_EQ(tables.size(), 1U);
  std::fstream file(tables.front(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(20);
  file.put('\xff');
  file.close();
  const std::vector<std::string> found = Differences();
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front(), HasSubstr(tables.front().filename().string() + " of family log: "));
  EXPECT_THAT(found.front(), HasSubstr("checksum mismatch"));
  EXPECT_FALSE(report_.derived_compared);
}

TEST_F(VerifyTest, IsRefusedWhileTheDirectoryIsInUse) {
  const auto directory = DataDirectory::OpenExisting(store_.directory() / "data");
  EXPECT_EQ(directory.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(directory.status()), HasSubstr("is in use: "));
}

}  // namespace
}  // namespace ackwire
