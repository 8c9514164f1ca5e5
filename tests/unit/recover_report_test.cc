// What a recovery says of what nothing is left to tell of.

#include <rocksdb/metadata.h>

#include "store/keys.h"
#include "tests/unit/recover_fixture.h"

namespace ackwire {
namespace {

using testing::IsEmpty;

TEST_F(RecoverTest, SaysThatNobodyKnowsTheEndWithoutAWatermark) {
  Play();
  store_.Close();
  std::filesystem::remove(data() / "watermark");
  const RecoveryReport report = Recover();
  EXPECT_FALSE(report.end_is_known);
  EXPECT_FALSE(report.nothing_lost());
  EXPECT_EQ(report.messages, 9U);
}

TEST_F(RecoverTest, NamesSubscriptionsOfWhichOnlyTheMembersTell) {
  Play();
  store_.FoldNow();
  Flush();
  std::vector<rocksdb::LiveFileMetaData> files;
  store_.database().rocks().GetLiveFilesMetaData(&files);
  store_.Close();
  for (const rocksdb::LiveFileMetaData& file : files) {
    const bool gone = file.column_family_name == "journal" || file.column_family_name == "ledger";
    if (gone) std::filesystem::remove(data() / "db" / std::filesystem::path(file.name).filename());
  }
  const RecoveryReport report = Recover();
  ASSERT_EQ(report.subscriptions.size(), 1U);
  EXPECT_EQ(report.subscriptions[0].client, "alice");
  EXPECT_EQ(report.subscriptions[0].channel, "room/1");
}

// A kill leaves it: no list names it, and the next start removes it.
TEST_F(RecoverTest, ATableThatNobodyListsIsNoDamage) {
  Play();
  store_.Close();
  std::ofstream(data() / "db" / "000999.sst");
  const RecoveryReport report = Recover();
  EXPECT_THAT(report.files, IsEmpty());
  EXPECT_TRUE(report.nothing_lost());
}

}  // namespace
}  // namespace ackwire
