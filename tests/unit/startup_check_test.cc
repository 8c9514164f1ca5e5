#include "store/startup_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <fstream>
#include <iterator>
#include <map>

#include "store/keys.h"
#include "store/outbox_rows.h"
#include "store/record.h"
#include "store/store.h"
#include "store/watermark.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

// A data directory with three messages, a subscription and an acknowledgement, closed.
class StartupCheckTest : public testing::Test {
 protected:
  StartupCheckTest() {
    store_.emplace();
    for (const char* payload : {"one", "two", "three"}) store_->Publish("room", payload);
    store_->Subscribe("alice", "room", {StartAt::Kind::kFirst, {}});
    store_->Ack("alice", "room", {Seq{1}, Seq{2}});
    EXPECT_TRUE(store_->writer().CatchUp().ok());
  }

  StatusOr<StartupCheck> Check(const std::string& boot_id = "boot") {
    store_->Close();
    const auto directory = DataDirectory::Open(store_->directory() / "data");
    const auto before = Files();
    auto found = CheckDirectory(**directory, boot_id);
    EXPECT_EQ(Files(), before) << "a check changes nothing";
    return found;
  }
  std::string Refusal() {
    const auto found = Check();
    EXPECT_EQ(found.status().code(), StatusCode::kDataLoss);
    return MessageOf(found.status());
  }

  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store_->directory())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files[entry.path()] = {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    return files;
  }

  std::optional<TestStore> store_;
};

TEST_F(StartupCheckTest, FindsNothingInAGoodDirectory) {
  const auto found = Check();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->power_cut);
}

TEST_F(StartupCheckTest, FindsNothingInAnEmptyDirectory) {
  const TemporaryDirectory temporary;
  const auto directory = DataDirectory::Open(temporary.path() / "new").value();
  EXPECT_TRUE(CheckDirectory(*directory, "boot").ok());
}

TEST_F(StartupCheckTest, GoesOnWhereAFirstStartWasCutOff) {
  const TemporaryDirectory temporary;
  {
    const auto directory = DataDirectory::Open(temporary.path() / "new").value();
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, directory->database_path(), &db).ok());
    delete db;
    EXPECT_TRUE(CheckDirectory(*directory, "boot").ok()) << "a database with one of the families";
  }
  const ManualClock clock;
  EXPECT_TRUE(Store::Open({.directory = temporary.path() / "new", .clock = clock}).ok());
}

TEST_F(StartupCheckTest, NoticesALogThatLostItsTail) {
  store_->Erase(Family::kLog, keys::Log({3}));
  EXPECT_THAT(Refusal(), HasSubstr("log: positions 3 are missing: they were on disk, says the "
                                   "watermark; the last good position is 2"));
}

TEST_F(StartupCheckTest, NoticesAJournalThatLostItsTail) {
  store_->Erase(Family::kJournal, keys::Journal({2}));
  EXPECT_THAT(Refusal(), HasSubstr("journal: records 2 are missing"));
}

TEST_F(StartupCheckTest, NoticesAHoleInTheLog) {
  store_->Erase(Family::kLog, keys::Log({2}));
  EXPECT_THAT(Refusal(), HasSubstr("log: position 2 is missing, and so is all up to 3; the last "
                                   "good one is 1"));
}

TEST_F(StartupCheckTest, NoticesADamagedRow) {
  store_->Overwrite(Family::kLog, keys::Log({2}), "\x01garbage");
  EXPECT_THAT(Refusal(), HasSubstr("log: position 2"));
}

TEST_F(StartupCheckTest, NoticesAHoleInTheJournal) {
  store_->Erase(Family::kJournal, keys::Journal({1}));
  EXPECT_THAT(Refusal(), HasSubstr("journal: record 1 is missing"));
}

TEST_F(StartupCheckTest, NoticesAnotherLog) {
  store::JournalRecord another;
  another.set_position(3);
  store_->Overwrite(Family::kJournal, keys::Journal({2}), record::Seal(another));
  EXPECT_THAT(Refusal(), HasSubstr("is not what was on disk there"));
}

TEST_F(StartupCheckTest, NoticesAMissingOutboxRow) {
  store_->Erase(Family::kOutbox, keys::Outbox({2}, {}));
  EXPECT_THAT(Refusal(), HasSubstr("outbox: the row after position 1 is missing"));
}

TEST_F(StartupCheckTest, NoticesThatTheOutboxLostItsTail) {
  store_->Erase(Family::kOutbox, keys::Outbox({3}, {2}));
  EXPECT_THAT(Refusal(), HasSubstr("outbox: ends at position 3 and journal record 1"));
}

TEST_F(StartupCheckTest, LooksBehindTheRelaysCheckpointOnly) {
  OutboxRows rows(store_->database(), store_->log());
  ASSERT_TRUE(rows.Trim({Position{2}, {}}).ok());
  const auto found = Check();
  EXPECT_TRUE(found.ok()) << found.status();
}

TEST_F(StartupCheckTest, NoticesACheckpointAheadOfTheLog) {
  // The last mark is of position 2, which a clock that stands still leaves as it is.
  store_.emplace();
  for (const char* payload : {"one", "two"}) store_->Publish("room", payload);
  ASSERT_TRUE(store_->writer().CatchUp().ok());
  store_->Publish("room", "three");
  store_->FoldNow();
  store_->Erase(Family::kLog, keys::Log({3}));
  EXPECT_THAT(Refusal(), HasSubstr("log: positions 3 are missing: a checkpoint was made after "
                                   "them; the last good position is 2"));
}

TEST_F(StartupCheckTest, RefusesALogWithoutItsWatermark) {
  std::filesystem::remove(store_->directory() / "data" / "watermark");
  EXPECT_THAT(Refusal(), HasSubstr("watermark is missing: without it nobody can tell whether the "
                                   "log, which ends at position 3, lost its tail"));
}

TEST_F(StartupCheckTest, RefusesADatabaseWithoutCurrent) {
  store_->Close();
  std::filesystem::remove(store_->directory() / "data" / "db" / "CURRENT");
  EXPECT_THAT(Refusal(),
              HasSubstr("CURRENT does not exist, but the watermark says that there was a "
                        "log up to position 3"));
}

// What is derived went into tables, and more of it into the write-ahead log.
TEST_F(StartupCheckTest, NoticesAListOfFilesThatWasCutOff) {
  store_->FoldNow();
  store_->Publish("room", "four");
  store_->FoldNow();
  store_->Publish("room", "five");
  store_->FoldNow();
  EXPECT_TRUE(store_->writer().CatchUp().ok());
  store_->Close();
  std::uint64_t cut = 0;
  for (const auto& [path, content] : Files()) {
    if (path.find("MANIFEST-") == std::string::npos) continue;
    cut = content.size() - 1;
    std::filesystem::resize_file(path, cut);
  }
  EXPECT_THAT(Refusal(),
              testing::AllOf(HasSubstr("MANIFEST-"), HasSubstr("bytes " + std::to_string(cut)),
                             HasSubstr("they were on disk, says the watermark")));
}

TEST_F(StartupCheckTest, RefusesAListOfFilesOlderThanTheWatermark) {
  store_->Reopen();
  store_->Close();
  const std::filesystem::path db = store_->directory() / "data" / "db";
  std::filesystem::path newest;
  for (const auto& file : std::filesystem::directory_iterator(db)) {
    if (file.path().filename().string().starts_with("MANIFEST-")) newest = file.path();
  }
  std::filesystem::copy_file(newest, db / "MANIFEST-000001");
  std::ofstream(db / "CURRENT") << "MANIFEST-000001\n";
  EXPECT_THAT(Refusal(), HasSubstr("CURRENT names MANIFEST-000001, an older list"));
}

TEST_F(StartupCheckTest, RefusesALogWithoutItsEpoch) {
  store_->Erase(Family::kMeta, meta::kEpoch);
  EXPECT_THAT(Refusal(), HasSubstr("meta: the log's epoch is missing"));
}

// Of a whole store: what it says when it was opened as `options` say.
class BufferedStoreTest : public testing::Test {
 protected:
  std::unique_ptr<Store> Open(const std::string& boot_id) {
    auto store = Store::Open({.directory = directory_.path() / "data",
                              .clock = clock_,
                              .seed = ++seed_,
                              .durability = Durability::kBuffered,
                              .boot_id = boot_id})
                     .value();
    return store;
  }
  TemporaryDirectory directory_;
  ManualClock clock_;
  std::uint64_t seed_ = 0;
};

TEST_F(BufferedStoreTest, APowerCutBeginsANewEpoch) {
  const std::string first = Open("boot one")->epoch();
  auto same_boot = Open("boot one");
  EXPECT_EQ(same_boot->epoch(), first) << "the kernel still had it";
  EXPECT_FALSE(same_boot->power_cut());
  same_boot.reset();
  auto next_boot = Open("boot two");
  EXPECT_NE(next_boot->epoch(), first);
  EXPECT_TRUE(next_boot->power_cut());
}

TEST_F(BufferedStoreTest, ACleanEndKeepsTheEpoch) {
  auto store = Open("boot one");
  const std::string first = store->epoch();
  store->Start({[](const SharedGroup&) {}, [](const Status&) {}});
  store.reset();
  EXPECT_EQ(Open("boot two")->epoch(), first);
}

}  // namespace
}  // namespace ackwire
