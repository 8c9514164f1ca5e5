#include "store/sorted_runs.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <memory>

#include "tests/faults/fault_env.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

// A database on a file system in memory, as those of the fault tests are.
class Runs : public testing::Test {
 protected:
  Runs() { Open(); }

  void Open() {
    database_.reset();
    auto directory = DataDirectory::Open("/data", env_.get());
    ASSERT_TRUE(directory.ok()) << directory.status();
    auto database = Database::Open(*std::move(directory), {.rng = rng_});
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
  }

  // The value of a row of `ids`, "-" when there is none.
  std::string Value(const std::string& key) {
    const auto value = database_->Get(Family::kIds, key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() ? value->value_or("-") : "";
  }

  void Put(const std::string& key, const std::string& value) {
    rocksdb::WriteBatch batch;
    batch.Put(database_->handle(Family::kIds), key, value);
    ASSERT_TRUE(database_->Write(batch, Sync::kNo).ok());
  }

  std::vector<std::string> FilesToIngest() {
    std::vector<std::string> names;
    const auto& directory = database_->directory();
    EXPECT_TRUE(directory.env().GetChildren(directory.ingest_path(), &names).ok());
    std::erase_if(names, [](const std::string& name) { return name[0] == '.'; });
    return names;
  }

  std::unique_ptr<rocksdb::Env> env_{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  Rng rng_{1};
  std::unique_ptr<Database> database_;
};

TEST_F(Runs, BringTheRowsOfAllFamiliesAtOnce) {
  SortedRuns runs(*database_);
  ASSERT_TRUE(runs.Add(Family::kIds, "a", "1").ok());
  ASSERT_TRUE(runs.Add(Family::kIds, "b", "2").ok());
  ASSERT_TRUE(runs.Add(Family::kMeta, meta::kDerived, "point").ok());
  ASSERT_TRUE(runs.Finish().ok());
  EXPECT_EQ(Value("a"), "-");
  ASSERT_TRUE(runs.Ingest().ok());
  EXPECT_EQ(Value("a"), "1");
  EXPECT_EQ(Value("b"), "2");
  EXPECT_EQ(database_->Get(Family::kMeta, meta::kDerived).value(), "point");
  EXPECT_TRUE(FilesToIngest().empty());
  Open();
  EXPECT_EQ(Value("a"), "1");
}

TEST_F(Runs, AreNewerThanWhatWasThereHoweverItCame) {
  Put("a", "old");
  Put("b", "old");
  Put("c", "old");
  for (const std::string value : {"new", "newest"}) {
    SortedRuns runs(*database_);
    ASSERT_TRUE(runs.Add(Family::kIds, "a", value).ok());
    ASSERT_TRUE(runs.Add(Family::kIds, "b", std::nullopt).ok());
    ASSERT_TRUE(runs.Finish().ok());
    ASSERT_TRUE(runs.Ingest().ok());
    EXPECT_EQ(Value("a"), value);
    EXPECT_EQ(Value("b"), "-");
    EXPECT_EQ(Value("c"), "old");
  }
  Put("a", "by batch");
  EXPECT_EQ(Value("a"), "by batch");
  Open();
  EXPECT_EQ(Value("a"), "by batch");
  EXPECT_EQ(Value("b"), "-");
}

TEST_F(Runs, LeaveNothingBehindThatACrashLeft) {
  {
    SortedRuns runs(*database_);
    ASSERT_TRUE(runs.Add(Family::kIds, "a", "1").ok());
    ASSERT_TRUE(runs.Finish().ok());
  }
  EXPECT_EQ(FilesToIngest(), std::vector<std::string>{"ids.sst"});
  EXPECT_EQ(Value("a"), "-");
  ASSERT_TRUE(SortedRuns::DeleteLeftovers(database_->directory()).ok());
  EXPECT_TRUE(FilesToIngest().empty());
}

TEST(SortedRuns, HaveNothingToDeleteInANewDirectory) {
  const TemporaryDirectory temporary;
  const auto directory = DataDirectory::Open(temporary.path() / "data");
  ASSERT_TRUE(directory.ok());
  EXPECT_TRUE(SortedRuns::DeleteLeftovers(**directory).ok());
}

// Between RocksDB's taking the link and our losing it, one file has two names.
TEST(SortedRuns, DoNotWriteOverAnIngestedFileThatIsStillLinked) {
  TestStore store;
  const auto ingest = [&](const std::string& key) {
    SortedRuns runs(store.database());
    ASSERT_TRUE(runs.Add(Family::kParked, key, "1").ok());
    ASSERT_TRUE(runs.Finish().ok());
    const std::string path = store.database().directory().ingest_path() + "/parked.sst";
    const std::string kept = path + ".kept";
    std::filesystem::create_hard_link(path, kept);
    ASSERT_TRUE(runs.Ingest().ok());
    std::filesystem::rename(kept, path);
  };
  ingest("a");
  ingest("b");
  store.Reopen();
  for (const std::string key : {"a", "b"}) {
    EXPECT_EQ(store.database().Get(Family::kParked, key).value(), "1") << key;
  }
}

// RocksDB deletes what it ingests when its list of files cannot be synced, and the list may name it
// already: whichever call fails, the next start opens, and has all rows or none.
TEST(RunsOnAFailingDisk, AreThereOrNotAfterAnyCallThatFailed) {
  int lists_hit = 0;
  for (const std::uint32_t calls : {kIoSync, kIoSyncDirectory, kIoWrite, kIoRename, kIoLink}) {
    for (std::uint64_t nth = 1;; ++nth) {
      FaultEnv env(nth);
      Rng rng(1);
      const auto open = [&] {
        auto directory = DataDirectory::Open("/data", &env);
        EXPECT_TRUE(directory.ok()) << directory.status();
        return Database::Open(*std::move(directory), {.rng = rng});
      };
      auto database = open();
      ASSERT_TRUE(database.ok()) << database.status();
      SortedRuns runs(**database);
      ASSERT_TRUE(runs.Add(Family::kIndex, "x", "0").ok());
      ASSERT_TRUE(runs.Add(Family::kIds, "a", "1").ok());
      ASSERT_TRUE(runs.Finish().ok());
      env.disk().Order({.nth = nth, .calls = calls});
      const bool ingested = runs.Ingest().ok();
      if (!env.disk().hit()) break;
      const bool list_hit = env.disk().first_hit()->path.find("MANIFEST") != std::string::npos;
      lists_hit += list_hit ? 1 : 0;
      database->reset();
      env.disk().Heal();
      auto again = open();
      ASSERT_TRUE(again.ok()) << again.status() << " after " << env.disk().first_hit()->path;
      const bool x = (*again)->Get(Family::kIndex, "x")->has_value();
      const bool a = (*again)->Get(Family::kIds, "a")->has_value();
      EXPECT_EQ(x, a);
      EXPECT_TRUE(a || !ingested);
    }
  }
  EXPECT_GE(lists_hit, 2) << "of its writes and its sync";
}

}  // namespace
}  // namespace ackwire
