// What a recovery says of what nothing is left to tell of.

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
  store_.Subscribe("bob", "room/2");
  store_.Unsubscribe("bob", "room/2");
  store_.FoldNow();
  Flush();
  for (std::uint64_t number = 1; number <= store_.derived().last_number().value; ++number) {
    store_.Erase(Family::kJournal, keys::Journal({number}));
  }
  store_.Erase(Family::kLedger, keys::Ledger("alice", store_.IdOf("room/1")));
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
