#include "store/channel_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> NamesOf(const ChannelTable& table, const ChannelTable::Page& page) {
  std::vector<std::string> names;
  for (const ChannelInfo& info : table.List(page)) names.push_back(info.name);
  return names;
}

ChannelTable Rooms() {
  ChannelTable table;
  std::uint64_t id = 0;
  for (const char* name : {"room/2", "order/1", "room/1", "room", "room/10"}) {
    table.GetOrAdd({++id}, name);
  }
  return table;
}

TEST(ChannelTable, FindsAChannelByNameAndById) {
  const ChannelTable table = Rooms();
  ASSERT_NE(table.Find("room/1"), nullptr);
  EXPECT_EQ(table.Find("room/1")->id, ChannelId{3});
  EXPECT_EQ(table.Get({3})->name, "room/1");
  EXPECT_EQ(table.Find("room/3"), nullptr);
  EXPECT_EQ(table.Get({0}), nullptr);
  EXPECT_EQ(table.Get({6}), nullptr);
}

TEST(ChannelTable, KeepsPointersWhileItGrows) {
  ChannelTable table;
  const ChannelInfo* first = &table.GetOrAdd({1}, "room/1");
  for (std::uint64_t id = 2; id < 5000; ++id) table.GetOrAdd({id}, "room/" + std::to_string(id));
  EXPECT_EQ(table.Find("room/1"), first);
}

TEST(ChannelTable, GetsWhatIsThereAlready) {
  ChannelTable table = Rooms();
  table.GetOrAdd({3}, "room/1").last = Seq{9};
  EXPECT_EQ(table.GetOrAdd({3}, "").last, Seq{9});
  EXPECT_EQ(table.Get({3})->name, "room/1");
  EXPECT_EQ(table.size(), 5U);
}

TEST(ChannelTable, ListsInOrderOfNameByPrefixAndPage) {
  const ChannelTable table = Rooms();
  EXPECT_THAT(NamesOf(table, {.limit = 10}),
              ElementsAre("order/1", "room", "room/1", "room/10", "room/2"));
  EXPECT_THAT(NamesOf(table, {.prefix = "room/", .limit = 2}), ElementsAre("room/1", "room/10"));
  EXPECT_THAT(NamesOf(table, {.prefix = "room/", .after = "room/10", .limit = 2}),
              ElementsAre("room/2"));
  EXPECT_THAT(NamesOf(table, {.prefix = "room", .after = "room", .limit = 1}),
              ElementsAre("room/1"));
  EXPECT_THAT(NamesOf(table, {.after = "a name that is gone", .limit = 1}), ElementsAre("order/1"));
  EXPECT_THAT(NamesOf(table, {.prefix = "x", .limit = 10}), IsEmpty());
  EXPECT_THAT(NamesOf(table, {.limit = 0}), IsEmpty());
}

TEST(ChannelTable, TakesChannelsOfOneCommitInAnyOrder) {
  ChannelTable table;
  table.GetOrAdd({2}, "room/2");
  EXPECT_FALSE(table.complete());
  EXPECT_THAT(NamesOf(table, {.limit = 10}), ElementsAre("room/2"));
  table.GetOrAdd({1}, "room/1");
  EXPECT_TRUE(table.complete());
  EXPECT_EQ(table.Find("room/1")->id, ChannelId{1});
  EXPECT_EQ(table.Get({2})->name, "room/2");
}

}  // namespace
}  // namespace ackwire
