#include "store/watermark.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "store/store.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

class WatermarkTest : public testing::Test {
 protected:
  store::Watermark Read() { return Watermark::Read(store_.database().directory()).value().value(); }
  std::filesystem::path path() { return store_.database().directory().watermark_path(); }

  void Damage(std::streamoff offset) {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file.put('\x7f');
    file.put('\x7f');
    file.put('\x7f');
  }

  TestStore store_;
};

TEST_F(WatermarkTest, SaysWhereTheLogIsAndThatItIsOpen) {
  EXPECT_EQ(Read().position(), 0U);
  EXPECT_FALSE(Read().clean());
  store_.clock().Advance(kWatermarkInterval);
  store_.Publish("room", "one");
  store_.clock().Advance(kWatermarkInterval);
  store_.Subscribe("alice", "room");
  EXPECT_EQ(Read().position(), 1U);
  EXPECT_EQ(Read().journal_number(), 1U);
  EXPECT_EQ(Read().hash(), HashOfRows(store_.database(), Read()).value());
}

TEST_F(WatermarkTest, IsWrittenNowAndThenAndCatchesUp) {
  store_.clock().Advance(kWatermarkInterval);
  store_.Publish("room", "one");
  EXPECT_FALSE(store_.writer().behind());
  store_.Publish("room", "two");
  EXPECT_EQ(Read().position(), 1U);
  EXPECT_TRUE(store_.writer().behind());
  ASSERT_TRUE(store_.writer().CatchUp().ok());
  EXPECT_EQ(Read().position(), 2U);
  EXPECT_FALSE(store_.writer().behind());
}

TEST_F(WatermarkTest, SaysHowLongTheListOfFilesIsAsSoonAsRowsHaveMoved) {
  store_.Publish("room", "one");
  const std::uint64_t before = Read().manifest_bytes();
  ASSERT_TRUE(store_.database().Flush().ok());
  EXPECT_GT(Read().manifest_bytes(), before);
  EXPECT_EQ(Read().manifest_bytes(), store_.database().ListOfFiles().value().bytes);
  EXPECT_EQ(Read().manifest_number(), store_.database().ListOfFiles().value().number);
}

TEST_F(WatermarkTest, OutlivesDamageToOneOfItsSlots) {
  store_.Publish("room", "one");
  ASSERT_TRUE(store_.writer().CatchUp().ok());
  const auto newest = static_cast<std::streamoff>(Read().generation() % 2 * 4096);
  Damage(newest + 4);
  EXPECT_EQ(Read().position(), 0U) << "the older slot";
  Damage(4096 - newest + 4);
  EXPECT_EQ(Watermark::Read(store_.database().directory()).status().code(), StatusCode::kDataLoss);
}

TEST_F(WatermarkTest, ACleanEndIsInBothSlots) {
  const TemporaryDirectory directory;
  ManualClock clock;
  auto store = Store::Open({.directory = directory.path() / "data", .clock = clock}).value();
  store->Start({[](const SharedGroup&) {}, [](const Status&) {}});
  store.reset();
  const auto opened = DataDirectory::Open(directory.path() / "data").value();
  std::fstream file(opened->watermark_path(), std::ios::in | std::ios::out | std::ios::binary);
  for (const std::streamoff slot : {0, 4096}) {
    EXPECT_TRUE(Watermark::Read(*opened).value()->clean());
    file.seekp(slot + 4);
    file.write("damage", 6).flush();
  }
  EXPECT_FALSE(Watermark::Read(*opened).ok());
}

// RELEASED LAYOUTS ARE FROZEN.
TEST_F(WatermarkTest, HasItsBytes) {
  std::ifstream in(path(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSERT_EQ(bytes.size(), 8192U);
  // size, version, crc32c, generation 1, hash of no rows (SHA-256 of nothing), boot id, of the
  // MANIFEST number and length, which are RocksDB's, and that the hash is of places, twice
  const std::string golden("\x00\x28\x01", 3);
  EXPECT_EQ(bytes.substr(4096, 3), golden);
  const std::string body(
      "\x08\x01\x22\x10\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24\x32\x04"
      "boot",
      26);
  EXPECT_EQ(bytes.substr(4096 + 2 + 5, body.size()), body);
  EXPECT_EQ(bytes.substr(4096 + 2 + 5 + body.size(), 1), "\x40");
  EXPECT_EQ(bytes.substr(4096 + 2 + 5 + body.size() + 2, 1), "\x48");
}

}  // namespace
}  // namespace ackwire
