#include "store/recover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "store/recovery.h"
#include "store/startup_check.h"
#include "store/stub.h"
#include "tests/unit/recover_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The row of a lost position of which nobody knows what it held.
StoredMessage VoidStub(Position position) {
  StoredMessage stub;
  stub.message.set_position(position.value);
  return stub;
}

TEST_F(RecoverTest, LosesNothingOfAStoreThatIsWhole) {
  Play();
  store_.FoldNow();
  const std::string before = store_.Describe();
  const std::string epoch = store_.database().epoch();
  const RecoveryReport report = Recover();
  EXPECT_TRUE(report.nothing_lost());
  EXPECT_THAT(report.found, IsEmpty());
  EXPECT_THAT(report.files, IsEmpty());
  EXPECT_EQ(report.messages, 9U);
  EXPECT_EQ(report.events_changed, 0U);
  EXPECT_EQ(store_.Describe(), before);
  EXPECT_NE(store_.database().epoch(), epoch);
}

TEST_F(RecoverTest, ChangesNothingUntilItIsAccepted) {
  Play();
  store_.Erase(Family::kLog, keys::Log({3}));
  store_.Close();
  const auto files = [this] {
    std::map<std::string, std::string> all;
    for (const auto& file : std::filesystem::recursive_directory_iterator(store_.directory())) {
      if (!file.is_regular_file()) continue;
      std::ifstream in(file.path(), std::ios::binary);
      all[file.path().string()] = {std::istreambuf_iterator<char>(in),
                                   std::istreambuf_iterator<char>()};
    }
    return all;
  };
  const auto before = files();
  {
    const auto directory = DataDirectory::OpenExisting(data());
    const auto recovery = Recovery::Prepare(**directory, {.clock = store_.clock()});
    ASSERT_TRUE(recovery.ok()) << recovery.status();
    EXPECT_FALSE((*recovery)->report().nothing_lost());
    EXPECT_THAT((*recovery)->report().found, HasSubstr("position 3"));
  }
  EXPECT_EQ(files(), before);
}

TEST_F(RecoverTest, KeepsThePlaceOfALostMessage) {
  Play();
  store_.Erase(Family::kLog, keys::Log({4}));
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.lost, ElementsAre(LostRun{"room/1", {{3}, {3}}, {4}, {4}}));
  EXPECT_THAT(report.unknown, IsEmpty());
  EXPECT_EQ(report.messages, 8U);
  const auto stub = store_.log().ReadSeq(store_.IdOf("room/1"), {3});
  ASSERT_TRUE(stub.ok()) << stub.status();
  EXPECT_TRUE(IsStub(*stub));
  EXPECT_EQ(stub->position(), Position{4});
  EXPECT_EQ(store_.log().ReadAt({9})->message.payload(), "payload 9");
  EXPECT_EQ(store_.Publish("room/1", "next").seq, Seq{6});
  EXPECT_TRUE(std::filesystem::exists(data() / "recovery-report.json"));
  EXPECT_TRUE(std::filesystem::exists(report.kept_as));
}

TEST_F(RecoverTest, CutsBackWhatNamesSeqsBeyondTheEnd) {
  Play();
  store_.Ack("alice", "room/1", {{3}, {5}});
  store_.Park("alice", "room/1", {2});  // settled already: the journal may say so
  store_.Erase(Family::kLog, keys::Log({8}));
  store_.Erase(Family::kLog, keys::Log({9}));
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.behind_the_end, ElementsAre(NumberRun{8, 9})) << "the journal tells of them";
  EXPECT_THAT(report.lost, ElementsAre(LostRun{"room/1", {{5}, {5}}, {0}, {0}}));
  EXPECT_GT(report.events_changed, 0U);
  EXPECT_EQ(store_.Info("room/1").last, Seq{4});
  EXPECT_EQ(store_.Entry("alice", "room/1").floor(), Seq{4});
  EXPECT_EQ(store_.Publish("room/1", "another fifth").seq, Seq{5});
  EXPECT_EQ(store_.Entry("alice", "room/1").Undelivered({5}), 1U) << "the new one is owed";
  ExpectTotalsCount();
}

TEST_F(RecoverTest, SaysWhichPositionsNobodyKnows) {
  Play();
  store_.Erase(Family::kLog, keys::Log({8}));  // the last of room/3
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_THAT(report.unknown, ElementsAre(NumberRun{8, 8}));
  EXPECT_EQ(store_.Info("room/3").last, Seq{1});
  EXPECT_EQ(store_.Info("room/1").last, Seq{5});
}

TEST_F(RecoverTest, KnowsByTheIndexWhatNeighboursDoNotTell) {
  Play();
  store_.FoldNow();
  store_.Erase(Family::kLog, keys::Log({8}));
  store_.Erase(Family::kLog, keys::Log({9}));
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.lost, ElementsAre(LostRun{"room/1", {{5}, {5}}, {9}, {9}},
                                       LostRun{"room/3", {{2}, {2}}, {8}, {8}}));
  EXPECT_THAT(report.behind_the_end, ElementsAre(NumberRun{8, 9}));
}

TEST_F(RecoverTest, TellsByTheLedgerWhatLostRecordsSaid) {
  Play();
  store_.Subscribe("bob", "room/2");
  store_.Park("alice", "room/1", {3});
  store_.FoldNow();
  const std::string before = store_.Describe();
  for (std::uint64_t number = 1; number <= 5; ++number) {
    store_.Erase(Family::kJournal, keys::Journal({number}));
  }
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.journal, ElementsAre(NumberRun{1, 5}));
  EXPECT_GT(report.events_salvaged, 0U);
  EXPECT_EQ(store_.Entry("alice", "room/1").floor(), Seq{3});
  EXPECT_EQ(store_.Entry("alice", "room/1").parked(), 1U);
  EXPECT_THAT(*store_.ledger().ParkedSeqs("alice", store_.IdOf("room/1")), ElementsAre(Seq{3}));
  EXPECT_TRUE(store_.Entry("bob", "room/2").subscribed());
}

// The parked row of an older time is found again in the table that has it: it is a newer one that
// deletes it.
TEST_F(RecoverTest, AnOldRowOfWhatWasParkedMakesNothingAcknowledgedThatIsParked) {
  Play();
  store_.Park("alice", "room/1", {3});
  store_.FoldNow();
  for (const std::uint64_t lost : {3, 4}) store_.Erase(Family::kJournal, keys::Journal({lost}));
  Flush();
  store_.Record({events::Acked("alice", store_.IdOf("room/1"), {}, {{3}})});
  store_.Park("alice", "room/1", {4});
  store_.FoldNow();
  for (const std::uint64_t lost : {5, 6}) store_.Erase(Family::kJournal, keys::Journal({lost}));
  Flush();
  (void)Recover();
  EXPECT_THAT(*store_.ledger().ParkedSeqs("alice", store_.IdOf("room/1")),
              ElementsAre(Seq{3}, Seq{4}));
  EXPECT_EQ(store_.Entry("alice", "room/1").floor(), Seq{4});
}

TEST_F(RecoverTest, WhereTheRowOfAParkedDeliveryIsLostNothingCountsAsAcknowledged) {
  Play();
  store_.Park("alice", "room/1", {3});
  store_.Park("alice", "room/1", {4});
  store_.FoldNow();
  const ChannelId room = store_.IdOf("room/1");
  store_.Erase(Family::kParked, keys::Numbered("alice", room, 3));
  for (std::uint64_t number = 3; number <= 5; ++number) {
    store_.Erase(Family::kJournal, keys::Journal({number}));
  }
  (void)Recover();
  EXPECT_THAT(*store_.ledger().ParkedSeqs("alice", room), ElementsAre(Seq{4}));
  const LedgerEntry entry = store_.Entry("alice", "room/1");
  EXPECT_EQ(entry.floor(), Seq{0}) << "one of 1, 2 and 3 is the other that was parked";
  EXPECT_TRUE(entry.IsSettled({4}));
}

TEST_F(RecoverTest, KeepsTheNumbersOfLostRecords) {
  Play();
  store_.Ack("alice", "room/1", {{3}, {3}});
  store_.Erase(Family::kJournal, keys::Journal({3}));
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.journal, ElementsAre(NumberRun{3, 3}));
  const LedgerEntry entry = store_.Entry("alice", "room/1");
  EXPECT_EQ(entry.floor(), Seq{0}) << "the lost record said that 1 and 2 are settled";
  EXPECT_TRUE(entry.IsSettled({3}));
  EXPECT_EQ(entry.as_of().number(), JournalNumber{4});
}

TEST_F(RecoverTest, MakesChannelsAgainOfWhichOnlyTheNumberIsLeft) {
  store_.Subscribe("alice", "empty");
  store_.Publish("room/1", "1");
  store_.Subscribe("bob", "room/1");
  store_.Erase(Family::kJournal, keys::Journal({1}));
  (void)Recover();
  EXPECT_EQ(store_.Info("room/1").id, ChannelId{2});
  EXPECT_EQ(store_.Info("lost-channel-1").id, ChannelId{1});
  EXPECT_EQ(store_.Publish("room/2", "2").position, Position{2});
  EXPECT_EQ(store_.Info("room/2").id, ChannelId{3});
}

TEST_F(RecoverTest, NeedsNeitherManifestNorCurrent) {
  Play();
  Flush();
  store_.Publish("room/4", "payload 10");
  const std::string before = store_.Describe();
  store_.Close();
  for (const auto& file : std::filesystem::directory_iterator(data() / "db")) {
    const std::string name = file.path().filename().string();
    if (name == "CURRENT" || name.starts_with("MANIFEST")) std::filesystem::remove(file.path());
  }
  const RecoveryReport report = Recover();
  EXPECT_TRUE(report.nothing_lost());
  EXPECT_THAT(report.found, HasSubstr("CURRENT"));
  EXPECT_EQ(store_.Describe(), before);
}

TEST_F(RecoverTest, LosesOfATableOnlyTheBlockThatIsDamaged) {
  constexpr int kMessages = 2000;
  Rng rng(1);
  std::vector<Work> works;
  for (int i = 1; i <= kMessages; ++i) {
    // Not to be compressed: the needle must be found.
    std::string noise;
    for (int byte = 0; byte < 300; ++byte) noise += static_cast<char>(rng.Next());
    works.push_back(
        TestStore::PublishWorkOf("room/1", noise + "needle-" + std::to_string(i) + noise));
  }
  (void)store_.Commit(works);
  store_.FoldNow();
  Flush();
  store_.Close();
  bool damaged = false;
  for (const auto& file : Files(".sst")) damaged = Damage(file, "needle-1000") || damaged;
  ASSERT_TRUE(damaged);
  const RecoveryReport report = Recover();
  ASSERT_EQ(report.lost.size(), 1U);
  EXPECT_LE(report.lost[0].first, Position{1000});
  EXPECT_GE(report.lost[0].last, Position{1000});
  EXPECT_LT(report.lost[0].seqs.length(), 200U);
  EXPECT_EQ(report.messages + report.lost[0].seqs.length(), 2000U);
  ASSERT_EQ(report.files.size(), 1U);
  EXPECT_THAT(report.files[0].damage, HasSubstr("checksum mismatch"));
}

TEST_F(RecoverTest, GoesOnBehindADamagedRecordOfTheWriteAheadLog) {
  // Records of more than a block: what follows the damaged one stands in a block of its own.
  for (int i = 1; i <= 9; ++i) {
    store_.Publish("room/1", "needle-" + std::to_string(i) + std::string(70'000, 'x'));
  }
  store_.Close();
  bool damaged = false;
  for (const auto& file : Files(".log")) damaged = Damage(file, "needle-4") || damaged;
  ASSERT_TRUE(damaged);
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.lost, ElementsAre(LostRun{"room/1", {{4}, {4}}, {4}, {4}}));
  EXPECT_EQ(report.messages, 8U);
  ASSERT_EQ(report.files.size(), 1U);
  EXPECT_THAT(report.files[0].file, testing::EndsWith(".log"));
}

TEST_F(RecoverTest, IsWholeWhereTheLogEndsInAPlaceOfWhichNothingIsKnown) {
  Play();
  store_.Overwrite(Family::kLog, keys::Log({9}), MakeLogRow(VoidStub({9})));
  (void)Recover();  // verifies what it made
  EXPECT_EQ(store_.derived().last_position(), Position{9});
  EXPECT_EQ(store_.Info("room/1").last, Seq{4});
}

// DATA_DIR may be named in many ways: what is kept lies beside the directory itself.
TEST_F(RecoverTest, KeepsTheDamagedBesideTheDirectoryThatALinkNames) {
  Play();
  store_.Erase(Family::kLog, keys::Log({4}));
  store_.Close();
  const std::filesystem::path link = store_.directory() / "link";
  std::filesystem::create_directory(store_.directory() / "elsewhere");
  std::filesystem::create_symlink(data(), link);
  const auto directory = DataDirectory::OpenExisting(link);
  ASSERT_TRUE(directory.ok()) << directory.status();
  const auto recovery =
      Recovery::Prepare(**directory, {.clock = store_.clock(), .seed = ++seed_, .boot_id = "boot"});
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  EXPECT_THAT((*recovery)->report().kept_as, testing::StartsWith(data().string() + ".damaged-"));
  ASSERT_EQ((*recovery)->Accept("{}\n"), OkStatus());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_TRUE(std::filesystem::exists(data() / "recovery-report.json"));
}

TEST_F(RecoverTest, MayBeDoneAgainAndAgain) {
  Play();
  store_.Erase(Family::kLog, keys::Log({8}));
  store_.Erase(Family::kLog, keys::Log({4}));
  (void)Recover();
  const std::string before = store_.Describe();
  const RecoveryReport again = Recover();
  EXPECT_TRUE(again.nothing_lost());
  EXPECT_EQ(again.messages, 7U);
  EXPECT_EQ(store_.Describe(), before);
}

}  // namespace
}  // namespace ackwire
