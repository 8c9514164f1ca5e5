#include "tests/faults/fault_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include "tests/faults/fault_env.h"

namespace ackwire {
namespace {

class FaultEnvTest : public testing::Test {
 protected:
  std::unique_ptr<rocksdb::DB> Open() {
    rocksdb::DB* db = nullptr;
    opened_ = rocksdb::DB::Open(Options(), "/data/db", &db);
    return std::unique_ptr<rocksdb::DB>(db);
  }
  rocksdb::Options Options() {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = &env_;
    return options;
  }
  void SetUp() override {
    ASSERT_TRUE(env_.CreateDirIfMissing("/data").ok());
    // RocksDB syncs what is in its directory, not the directory's own name.
    ASSERT_TRUE(env_.CreateDirIfMissing("/data/db").ok());
    for (const char* path : {"/", "/data"}) {
      std::unique_ptr<rocksdb::Directory> directory;
      ASSERT_TRUE(env_.NewDirectory(path, &directory).ok());
      ASSERT_TRUE(directory->Fsync().ok());
    }
  }
  static rocksdb::Status Put(rocksdb::DB& db, int key, bool sync) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    return db.Put(options, std::to_string(key), std::string(1000, 'v'));
  }
  static int CountKeys(rocksdb::DB& db) {
    const std::unique_ptr<rocksdb::Iterator> row(db.NewIterator({}));
    int count = 0;
    for (row->SeekToFirst(); row->Valid(); row->Next()) ++count;
    EXPECT_TRUE(row->status().ok()) << row->status().ToString();
    return count;
  }
  void CutAndRestart(std::unique_ptr<rocksdb::DB>& db, Rng& rng) {
    env_.disk().PowerCut(rng);
    db.reset();
    env_.disk().Restart();
  }

  FaultEnv env_{7};
  rocksdb::Status opened_;
};

TEST_F(FaultEnvTest, KeepsWhatADatabaseSyncedThroughManyPowerCuts) {
  Rng rng(1);
  int keys = 0;
  for (int cut = 0; cut < 100; ++cut) {
    auto db = Open();
    ASSERT_TRUE(opened_.ok()) << "cut " << cut << ": " << opened_.ToString();
    ASSERT_EQ(CountKeys(*db), keys);
    env_.RunCompactions();
    env_.disk().Order({.nth = 1 + rng.Next() % 20, .calls = kIoChanges, .kind = FaultKind::kStop});
    while (Put(*db, keys, true).ok()) ++keys;
    CutAndRestart(db, rng);
    // The write that was cut may be there or not; nobody was told.
    db = Open();
    ASSERT_TRUE(opened_.ok()) << opened_.ToString();
    if (CountKeys(*db) == keys + 1) ++keys;
  }
  for (const auto& [what, count] : env_.disk().faults()) EXPECT_GT(count, 0U) << what;
}

TEST_F(FaultEnvTest, LosesWhatWasNotSynced) {
  constexpr int kCuts = 20;
  constexpr int kKeysEach = 50;
  Rng rng(2);
  for (int cut = 0; cut < kCuts; ++cut) {
    auto db = Open();
    ASSERT_TRUE(opened_.ok()) << opened_.ToString();
    for (int key = 0; key < kKeysEach; ++key) {
      ASSERT_TRUE(Put(*db, cut * kKeysEach + key, false).ok());
    }
    CutAndRestart(db, rng);
  }
  EXPECT_LT(CountKeys(*Open()), kCuts * kKeysEach);
}

TEST_F(FaultEnvTest, KeepsEverythingWhenTheProcessIsKilled) {
  auto db = Open();
  for (int key = 0; key < 50; ++key) ASSERT_TRUE(Put(*db, key, false).ok());
  ASSERT_TRUE(db->FlushWAL(false).ok());
  env_.disk().Crash();
  EXPECT_FALSE(Put(*db, 50, true).ok());
  db.reset();
  env_.disk().Restart();
  db = Open();
  ASSERT_TRUE(opened_.ok()) << opened_.ToString();
  EXPECT_EQ(CountKeys(*db), 50);
}

TEST_F(FaultEnvTest, FailsTheCallThatWasOrderedAndOnlyThat) {
  auto db = Open();
  env_.disk().Order({.nth = 2, .calls = kIoSync});
  EXPECT_TRUE(Put(*db, 1, true).ok());
  EXPECT_FALSE(env_.disk().hit());
  EXPECT_FALSE(Put(*db, 2, true).ok());
  EXPECT_TRUE(env_.disk().hit());
  EXPECT_EQ(env_.disk().faults(), (Counters{{"EIO on sync", 1}}));
}

TEST_F(FaultEnvTest, SaysThatTheDiskIsFull) {
  auto db = Open();
  env_.disk().Order({.calls = kIoWrite, .kind = FaultKind::kNoSpace});
  const rocksdb::Status full = Put(*db, 1, true);
  EXPECT_TRUE(full.IsNoSpace()) << full.ToString();
}

TEST_F(FaultEnvTest, FailsForEverOnADeadDiskUntilARestart) {
  auto db = Open();
  env_.disk().Order({.kind = FaultKind::kError, .lasting = true});
  EXPECT_FALSE(Put(*db, 1, true).ok());
  db.reset();
  EXPECT_EQ(Open(), nullptr);
  env_.disk().Restart();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(FaultEnvTest, IsUsedByOneDatabaseAtATime) {
  const auto db = Open();
  EXPECT_EQ(Open(), nullptr);
}

TEST_F(FaultEnvTest, IngestsFilesByMovingThem) {
  Rng rng(3);
  auto db = Open();
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), Options());
  ASSERT_TRUE(writer.Open("/data/new.sst").ok());
  ASSERT_TRUE(writer.Put("a", "1").ok());
  ASSERT_TRUE(writer.Finish().ok());
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  const rocksdb::Status ingested = db->IngestExternalFile({"/data/new.sst"}, ingest);
  ASSERT_TRUE(ingested.ok()) << ingested.ToString();
  CutAndRestart(db, rng);
  db = Open();
  ASSERT_TRUE(opened_.ok()) << opened_.ToString();
  EXPECT_EQ(CountKeys(*db), 1);
}

TEST_F(FaultEnvTest, CompactsWhenTold) {
  auto db = Open();
  for (int file = 0; file < 4; ++file) {
    ASSERT_TRUE(Put(*db, file % 2, true).ok());
    ASSERT_TRUE(db->Flush({}).ok());
  }
  const auto files = [&] {
    std::string count;
    EXPECT_TRUE(db->GetProperty("rocksdb.num-files-at-level0", &count));
    return count;
  };
  EXPECT_EQ(files(), "4");
  env_.RunCompactions();
  EXPECT_EQ(files(), "0");
}

TEST_F(FaultEnvTest, ReadsAndWritesInPlace) {
  std::unique_ptr<rocksdb::RandomRWFile> file;
  ASSERT_TRUE(env_.NewRandomRWFile("/data/slots", &file, {}).ok());
  ASSERT_TRUE(file->Write(0, "aaaa").ok());
  ASSERT_TRUE(file->Write(1, "bb").ok());
  ASSERT_TRUE(file->Sync().ok());
  char scratch[8];
  rocksdb::Slice read;
  ASSERT_TRUE(file->Read(0, sizeof scratch, &read, scratch).ok());
  EXPECT_EQ(read.ToString(), "abba");
  std::uint64_t size = 0;
  ASSERT_TRUE(env_.GetFileSize("/data/slots", &size).ok());
  EXPECT_EQ(size, 4U);
}

TEST_F(FaultEnvTest, SaysHowMuchSpaceTheTestGivesIt) {
  env_.disk().SetFreeBytes(123);
  std::uint64_t bytes = 0;
  ASSERT_TRUE(env_.GetFreeSpace("/data", &bytes).ok());
  EXPECT_EQ(bytes, 123U);
}

}  // namespace
}  // namespace ackwire
