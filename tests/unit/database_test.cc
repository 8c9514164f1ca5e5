#include "store/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

std::unique_ptr<Database> OpenOrThrow(const std::filesystem::path& directory,
                                      std::uint64_t seed = 1) {
  Rng rng(seed);
  return Database::Open(DataDirectory::Open(directory).value(), {.rng = rng}).value();
}

Status OpenStatus(const std::filesystem::path& directory) {
  auto opened = DataDirectory::Open(directory);
  if (!opened.ok()) return opened.status();
  Rng rng(1);
  return Database::Open(*std::move(opened), {.rng = rng}).status();
}

void Write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 0777U;
}

TEST(Database, CreatesItsDirectoryForItsOwnerOnly) {
  const TemporaryDirectory temporary;
  const auto directory = temporary.path() / "a" / "b";
  const auto database = OpenOrThrow(directory);
  EXPECT_EQ(ModeOf(directory), 0700U);
  EXPECT_EQ(Read(directory / "format"), "ackwire 6\n");
  EXPECT_EQ(database->directory().path(), directory);
  EXPECT_GT(database->bytes(), 0U);
}

TEST(Database, TakesADirectoryWithATrailingSlash) {
  const TemporaryDirectory temporary;
  const auto directory = temporary.path() / "data";
  const auto database = OpenOrThrow(directory.string() + "/");
  EXPECT_EQ(ModeOf(directory), 0700U);
}

TEST(Database, IsLockedWhileItIsOpen) {
  const TemporaryDirectory temporary;
  const auto directory = temporary.path() / "data";
  auto database = OpenOrThrow(directory);
  const Status refused = OpenStatus(directory);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(refused),
              HasSubstr("data directory " + directory.string() + " is in use: a running ackwired"));
  database.reset();
  EXPECT_TRUE(OpenStatus(directory).ok());
}

TEST(Database, RefusesAnotherFormatAndTouchesNothing) {
  const TemporaryDirectory temporary;
  const auto directory = temporary.path() / "data";
  OpenOrThrow(directory).reset();
  std::filesystem::rename(directory / "db", temporary.path() / "kept");
  Write(directory / "format", "ackwire 7\n");
  const Status refused = OpenStatus(directory);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(refused), HasSubstr("format says \"ackwire 7\""));
  EXPECT_THAT(MessageOf(refused), HasSubstr("this server reads \"ackwire 1\" to \"ackwire 6\""));
  EXPECT_EQ(Read(directory / "format"), "ackwire 7\n");
  EXPECT_FALSE(std::filesystem::exists(directory / "db"));
}

TEST(Database, TakesItsFormatAsAHandHasPutItBack) {
  const TemporaryDirectory temporary;
  const auto directory = temporary.path() / "data";
  OpenOrThrow(directory).reset();
  for (const char* text : {"ackwire 1", "ackwire 1\r\n", "ackwire 1 \n\n"}) {
    Write(directory / "format", text);
    EXPECT_TRUE(OpenStatus(directory).ok()) << text;
  }
}

TEST(Database, RefusesADatabaseWithoutItsFormat) {
  const TemporaryDirectory temporary;
  const auto directory = temporary.path() / "data";
  OpenOrThrow(directory).reset();
  std::filesystem::remove(directory / "format");
  EXPECT_EQ(OpenStatus(directory).code(), StatusCode::kDataLoss);
  EXPECT_FALSE(std::filesystem::exists(directory / "format"));
}

TEST(Database, RefusesADirectoryThatCannotBeMade) {
  const TemporaryDirectory temporary;
  Write(temporary.path() / "file", "");
  const Status refused = OpenStatus(temporary.path() / "file" / "data");
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(refused), HasSubstr((temporary.path() / "file" / "data").string()));
}

TEST(Database, KeepsItsEpoch) {
  const TemporaryDirectory temporary;
  const std::string epoch = OpenOrThrow(temporary.path() / "data", 1)->epoch();
  EXPECT_EQ(epoch.size(), 32U);
  EXPECT_EQ(OpenOrThrow(temporary.path() / "data", 2)->epoch(), epoch);
  EXPECT_NE(OpenOrThrow(temporary.path() / "other", 2)->epoch(), epoch);
}

TEST(Database, ReadsWhatWasWritten) {
  const TemporaryDirectory temporary;
  auto database = OpenOrThrow(temporary.path() / "data");
  rocksdb::WriteBatch batch;
  for (const char* key : {"a", "b", "c", "d"}) batch.Put(database->handle(Family::kLog), key, key);
  batch.Put(database->handle(Family::kIds), "b", "another family");
  ASSERT_TRUE(database->Write(batch, Sync::kYes).ok());
  database.reset();
  database = OpenOrThrow(temporary.path() / "data");
  EXPECT_EQ(database->Get(Family::kLog, "b").value(), "b");
  EXPECT_EQ(database->Get(Family::kIds, "b").value(), "another family");
  EXPECT_EQ(database->Get(Family::kLog, "x").value(), std::nullopt);
  std::string keys;
  const auto row = database->NewIterator(Family::kLog, {"b", "d"});
  for (; row->Valid(); row->Next()) keys += row->key().ToString();
  EXPECT_EQ(keys, "bc");
  const auto rest = database->NewIterator(Family::kLog, {"c", ""});
  rest->SeekToLast();
  EXPECT_EQ(rest->key().ToString(), "d");
}

}  // namespace
}  // namespace ackwire
