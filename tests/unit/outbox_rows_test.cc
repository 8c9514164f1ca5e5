#include "store/outbox_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/record.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

// Three commits: a message; an event; both.
class ThreeCommits {
 public:
  ThreeCommits() {
    store.Publish("room/1", "1");
    store.Record({events::SessionOpened("alice")});
    store.clock().Advance(Duration(5));
    std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "2"),
                               TestStore::PublishWorkOf("room/2", "3"),
                               TestStore::SubscribeWorkOf({{"alice", "room/1", {}}})};
    (void)store.Commit(works);
  }

  TestStore store;
  OutboxRows rows{store.database(), store.log()};
};

const OutboxPoint kFirstPoint{{1}, {0}};
const OutboxPoint kSecond{{1}, {1}};
const OutboxPoint kThird{{3}, {2}};

TEST(OutboxRows, GivesTheCommitsInOrder) {
  const ThreeCommits commits;
  const SharedGroup first = commits.rows.Next({}).value();
  EXPECT_EQ(PointOf(*first), kFirstPoint);
  EXPECT_EQ(first->messages.at(0).message.payload(), "1");
  EXPECT_EQ(first->record.events_size(), 0);
  const SharedGroup second = commits.rows.Next(kFirstPoint).value();
  EXPECT_EQ(PointOf(*second), kSecond);
  EXPECT_TRUE(second->messages.empty());
  EXPECT_EQ(second->record.events(0).client(), "alice");
  const SharedGroup third = commits.rows.Next(kSecond).value();
  EXPECT_EQ(PointOf(*third), kThird);
  EXPECT_EQ(third->messages.size(), 2U);
  EXPECT_EQ(third->messages[1].channel, commits.store.IdOf("room/2"));
  EXPECT_EQ(third->record.events_size(), 1);
  EXPECT_EQ(ToUnixMs(third->at) - ToUnixMs(first->at), 5);
  EXPECT_EQ(commits.rows.Next(kThird).value(), nullptr);
}

TEST(OutboxRows, CountsTheCommitsAfterAPoint) {
  const ThreeCommits commits;
  EXPECT_EQ(commits.rows.CountAfter({}).value(), 3U);
  EXPECT_EQ(commits.rows.CountAfter(kFirstPoint).value(), 2U);
  EXPECT_EQ(commits.rows.CountAfter(kThird).value(), 0U);
}

TEST(OutboxRows, TrimsUpToTheCheckpoint) {
  ThreeCommits commits;
  EXPECT_EQ(commits.rows.LoadCheckpoint().value(), OutboxPoint{});
  ASSERT_TRUE(commits.rows.Trim(kSecond).ok());
  EXPECT_EQ(commits.rows.LoadCheckpoint().value(), kSecond);
  EXPECT_EQ(commits.rows.CountAfter({}).value(), 1U);
  EXPECT_EQ(PointOf(**commits.rows.Next({})), kThird);
  commits.store.Reopen();
  const OutboxRows again(commits.store.database(), commits.store.log());
  EXPECT_EQ(again.LoadCheckpoint().value(), kSecond);
  EXPECT_EQ(again.CountAfter(kSecond).value(), 1U);
}

TEST(OutboxRows, NoticesDamage) {
  ThreeCommits commits;
  commits.store.Overwrite(Family::kOutbox, keys::Outbox({1}, {0}), "garbage");
  ExpectDataLoss(commits.rows.Next({}).status(), "outbox row of position 1");
  commits.store.Overwrite(Family::kJournal, keys::Journal({2}), "garbage");
  ExpectDataLoss(commits.rows.Next(kSecond).status(), "journal record 2");
  commits.store.Erase(Family::kJournal, keys::Journal({2}));
  ExpectDataLoss(commits.rows.Next(kSecond).status(), "journal record 2 is missing");
  commits.store.Erase(Family::kLog, keys::Log({2}));
  ExpectDataLoss(commits.rows.Next(kSecond).status(), "log: position 2 is missing");
  commits.store.Overwrite(Family::kMeta, meta::kRelay, "garbage");
  ExpectDataLoss(commits.rows.LoadCheckpoint().status(), "the relay's checkpoint is damaged");
}

}  // namespace
}  // namespace ackwire
