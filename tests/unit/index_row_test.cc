#include "store/index_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "store/keys.h"

namespace ackwire {
namespace {

TEST(IndexRow, SaysWhereEachOfItsSeqsIs) {
  const std::vector<Position> positions = {{10}, {12}, {700}};
  const std::string key = keys::Index({3}, {9});
  const std::string value = IndexRow::ValueOf(positions);
  EXPECT_EQ(value, keys::U64(10) + keys::U64(12) + keys::U64(700));
  const auto row = IndexRow::Parse(key, value);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->channel, ChannelId{3});
  EXPECT_EQ(row->first, Seq{7});
  EXPECT_EQ(row->last, Seq{9});
  EXPECT_EQ(row->PositionOf({7}), Position{10});
  EXPECT_EQ(row->PositionOf({9}), Position{700});
}

TEST(IndexRow, IsNotParsedFromWhatIsNone) {
  const std::string key = keys::Index({3}, {2});
  const std::string two = keys::U64(10) + keys::U64(12);
  EXPECT_TRUE(IndexRow::Parse(key, two));
  EXPECT_FALSE(IndexRow::Parse(key, ""));
  EXPECT_FALSE(IndexRow::Parse(key, two.substr(1)));
  EXPECT_FALSE(IndexRow::Parse(key, two + keys::U64(13))) << "it would begin with seq 0";
  EXPECT_FALSE(IndexRow::Parse(key.substr(1), two));
  EXPECT_FALSE(IndexRow::Parse(key + "x", two));
}

}  // namespace
}  // namespace ackwire
