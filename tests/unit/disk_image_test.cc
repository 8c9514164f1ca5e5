#include "tests/faults/disk_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire {
namespace {

constexpr int kTearSeeds = 500;

// A directory /d and a file in it, both on disk.
class DiskImageTest : public testing::Test {
 protected:
  DiskImageTest() { Reset(); }

  void Reset() {
    disk_ = DiskImage();
    disk_.MakeDirectory("/d");
    disk_.SyncDirectory(*disk_.Find("/"));
    file_ = disk_.Create("/d/file");
    disk_.SyncDirectory(*disk_.Find("/d"));
  }
  void Cut(std::uint64_t seed) {
    Rng rng(seed);
    disk_.Cut(rng, counts_);
  }

  DiskImage disk_;
  NodePtr file_;
  Counters counts_ = DiskImage::NoCounts();
};

TEST_F(DiskImageTest, KeepsWhatWasSynced) {
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    disk_.Write(*file_, 0, "synced");
    DiskImage::Sync(*file_);
    disk_.Write(*file_, 6, std::string(10'000, 'x'));
    Cut(seed);
    ASSERT_THAT(disk_.Find("/d/file")->live, testing::StartsWith("synced")) << "seed " << seed;
  }
}

TEST_F(DiskImageTest, LosesAndTearsWhatWasNotSyncedInEveryWay) {
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    disk_.Write(*file_, 0, std::string(10'000, 'x'));
    disk_.Create("/d/new");
    disk_.Link("/d/file", "/d/link");
    disk_.Rename("/d/new", "/d/renamed");
    disk_.Remove("/d/file");
    Cut(seed);
  }
  for (const auto& [what, count] : counts_) EXPECT_GT(count, 0U) << what;
}

TEST_F(DiskImageTest, LosesAFileWhoseNameWasNotSyncedOrKeepsItsSyncedBytes) {
  int kept = 0;
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    const NodePtr file = disk_.Create("/d/new");
    disk_.Write(*file, 0, "bytes");
    DiskImage::Sync(*file);
    Cut(seed);
    const NodePtr found = disk_.Find("/d/new");
    if (found == nullptr) continue;
    EXPECT_EQ(found->live, "bytes");
    ++kept;
  }
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, kTearSeeds);
}

TEST_F(DiskImageTest, KeepsTheNamesThatWereSynced) {
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    disk_.Create("/d/new");
    disk_.Rename("/d/file", "/d/renamed");
    disk_.SyncDirectory(*disk_.Find("/d"));
    Cut(seed);
    EXPECT_NE(disk_.Find("/d/new"), nullptr);
    EXPECT_NE(disk_.Find("/d/renamed"), nullptr);
    EXPECT_EQ(disk_.Find("/d/file"), nullptr);
  }
}

TEST_F(DiskImageTest, RenamesAsAWholeAcrossDirectoriesOrNotAtAll) {
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    disk_.MakeDirectory("/other");
    disk_.SyncDirectory(*disk_.Find("/"));
    disk_.Rename("/d/file", "/other/file");
    if (seed % 2 == 0) disk_.SyncDirectory(*disk_.Find("/other"));
    Cut(seed);
    EXPECT_NE(disk_.Find("/d/file") == nullptr, disk_.Find("/other/file") == nullptr);
  }
}

TEST_F(DiskImageTest, KeepsChangesOfNamesInTheirOrder) {
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    disk_.Create("/d/1");
    disk_.Create("/d/2");
    Cut(seed);
    EXPECT_FALSE(disk_.Find("/d/1") == nullptr && disk_.Find("/d/2") != nullptr);
  }
}

TEST_F(DiskImageTest, NeverWritesWhatAFailedSyncGaveUp) {
  disk_.Write(*file_, 0, "given up");
  DiskImage::LoseUnsynced(*file_);
  EXPECT_EQ(file_->live, "given up");
  disk_.Write(*file_, 8, " later");
  DiskImage::Sync(*file_);
  Cut(1);
  EXPECT_EQ(disk_.Find("/d/file")->live, std::string(8, '\0') + " later");
}

TEST_F(DiskImageTest, WritesZerosBetweenTheOldEndAndAPositionBeyondIt) {
  disk_.Write(*file_, 0, "old");
  DiskImage::Sync(*file_);
  disk_.Truncate(*file_, 0);
  disk_.Write(*file_, 5, "new");
  DiskImage::Sync(*file_);
  Cut(1);
  EXPECT_EQ(disk_.Find("/d/file")->live, std::string(5, '\0') + "new");
}

TEST_F(DiskImageTest, OverwritesInPlaceWithoutTouchingTheRest) {
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    disk_.Write(*file_, 0, std::string(8192, 'a'));
    DiskImage::Sync(*file_);
    disk_.Write(*file_, 4096, std::string(100, 'b'));
    Cut(seed);
    const std::string& bytes = disk_.Find("/d/file")->live;
    ASSERT_EQ(bytes.size(), 8192U);
    ASSERT_EQ(bytes.substr(0, 4096), std::string(4096, 'a'));
    ASSERT_EQ(bytes.substr(4196), std::string(3996, 'a'));
  }
}

TEST_F(DiskImageTest, BringsADeletedFileBackOrNot) {
  int back = 0;
  for (std::uint64_t seed = 0; seed < kTearSeeds; ++seed) {
    Reset();
    disk_.Write(*file_, 0, "bytes");
    DiskImage::Sync(*file_);
    disk_.Remove("/d/file");
    Cut(seed);
    if (disk_.Find("/d/file") == nullptr) continue;
    EXPECT_EQ(disk_.Find("/d/file")->live, "bytes");
    ++back;
  }
  EXPECT_GT(back, 0);
  EXPECT_LT(back, kTearSeeds);
}

}  // namespace
}  // namespace ackwire
