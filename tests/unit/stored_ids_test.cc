#include "store/stored_ids.h"

#include <gtest/gtest.h>

#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

Work PublishWithId(const std::string& channel, const std::string& id) {
  Work work = TestStore::PublishWorkOf(channel, "hi", {.id = id});
  Prepare(work);
  return work;
}

std::vector<std::uint64_t> PositionsOf(TestStore& store, const std::vector<Work>& works) {
  StoredIds ids(store.database(), store.derived());
  ids.LookUp(works);
  std::vector<std::uint64_t> positions;
  for (std::size_t i = 0; i < works.size(); ++i) {
    EXPECT_TRUE(ids[i].status.ok()) << ids[i].status;
    const auto* publish = std::get_if<PublishWork>(&works[i]);
    const ChannelId channel =
        publish == nullptr ? ChannelId() : store.derived().IdOf(publish->draft.channel());
    EXPECT_EQ(ids[i].channel == nullptr ? ChannelId() : ids[i].channel->id, channel);
    positions.push_back(ids[i].position.value);
  }
  return positions;
}

TEST(StoredIds, AreFoundInRocksDbAndInBothTails) {
  TestStore store;
  store.Publish("room/1", "hi", {.id = "in RocksDB"});
  store.FoldNow();
  store.Publish("room/1", "hi", {.id = "in the frozen tail"});
  ASSERT_TRUE(store.derived().Freeze().has_value());
  store.Publish("room/1", "hi", {.id = "in the active tail"});
  std::vector<Work> works;
  for (const char* id : {"in RocksDB", "new", "in the frozen tail", "in the active tail"}) {
    works.push_back(PublishWithId("room/1", id));
  }
  EXPECT_EQ(PositionsOf(store, works), (std::vector<std::uint64_t>{1, 0, 2, 3}));
}

TEST(StoredIds, BelongToTheirChannel) {
  TestStore store;
  store.Publish("room/1", "hi", {.id = "m"});
  store.Publish("room/2", "hi", {.id = "other"});
  store.FoldNow();
  std::vector<Work> works;
  for (const char* channel : {"room/1", "room/2", "a new room"}) {
    works.push_back(PublishWithId(channel, "m"));
  }
  EXPECT_EQ(PositionsOf(store, works), (std::vector<std::uint64_t>{1, 0, 0}));
}

TEST(StoredIds, AreAskedForOfPublishesWithAnIdOnly) {
  TestStore store;
  store.Publish("room/1", "hi", {.id = "m"});
  std::vector<Work> works;
  works.push_back(PublishWithId("room/1", ""));
  works.push_back(TestStore::SubscribeWorkOf({{"alice", "room/1", {}}}));
  works.push_back(TestStore::JournalWorkOf({}));
  works.push_back(PublishWithId("room/1", "m"));
  EXPECT_EQ(PositionsOf(store, works), (std::vector<std::uint64_t>{0, 0, 0, 1}));
}

TEST(StoredIds, AreAsManyAsAGroupHas) {
  TestStore store;
  std::vector<Work> works;
  std::vector<Work> again;
  std::vector<std::uint64_t> positions;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    works.push_back(PublishWithId("room/1", std::to_string(i)));
    again.push_back(PublishWithId("room/1", std::to_string(i)));
    positions.push_back(i);
  }
  (void)store.Commit(works);
  EXPECT_EQ(PositionsOf(store, again), positions);
  store.FoldNow();
  EXPECT_EQ(PositionsOf(store, again), positions);
}

TEST(StoredIds, ForgetWhatTheyWereAskedBefore) {
  TestStore store;
  store.Publish("room/1", "hi", {.id = "m"});
  StoredIds ids(store.database(), store.derived());
  ids.LookUp(std::vector<Work>{});
  std::vector<Work> works;
  works.push_back(PublishWithId("room/1", "m"));
  ids.LookUp(works);
  EXPECT_EQ(ids[0].position, Position{1});
  works[0] = PublishWithId("room/1", "n");
  ids.LookUp(works);
  EXPECT_EQ(ids[0].position, Position{0});
  works[0] = PublishWithId("a new room", "m");
  ids.LookUp(works);
  EXPECT_EQ(ids[0].channel, nullptr);
}

}  // namespace
}  // namespace ackwire
