#include "store/log_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "store/index_row.h"
#include "store/record.h"
#include "store/recovery.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

std::vector<std::string> Payloads(const StatusOr<std::vector<StoredMessage>>& messages) {
  std::vector<std::string> payloads;
  for (const StoredMessage& stored : messages.value()) payloads.push_back(stored.message.payload());
  return payloads;
}

// Two channels in turn, 1a 1b 2a 2b …; a third of them on disk, a third in a frozen tail, a third
// in the active one.
class Rooms {
 public:
  Rooms() {
    for (int i = 1; i <= 6; ++i) {
      store.Publish("a", std::to_string(i) + "a", {.id = "m-" + std::to_string(i)});
      store.Publish("b", std::to_string(i) + "b");
      if (i == 2) store.FoldNow();
      if (i == 4) (void)store.derived().Freeze();
    }
    a = store.IdOf("a");
  }

  std::vector<std::string> Read(const ReadRange& range) const {
    return Payloads(store.log().ReadChannel(a, range));
  }

  TestStore store;
  ChannelId a;
};

TEST(LogReader, ReadsAChannelForwardAcrossTailsAndDisk) {
  const Rooms rooms;
  EXPECT_THAT(rooms.Read({.messages_max = kMost}), ElementsAre("1a", "2a", "3a", "4a", "5a", "6a"));
  EXPECT_THAT(rooms.Read({.from = 2, .messages_max = 4}), ElementsAre("2a", "3a", "4a", "5a"));
  EXPECT_THAT(rooms.Read({.from = 3, .messages_max = kMost}), ElementsAre("3a", "4a", "5a", "6a"));
  EXPECT_THAT(rooms.Read({.from = 6, .messages_max = 9}), ElementsAre("6a"));
  EXPECT_THAT(rooms.Read({.from = 7, .messages_max = 9}), IsEmpty());
  EXPECT_THAT(rooms.Read({.from = kMost, .messages_max = kMost}), IsEmpty());
}

TEST(LogReader, ReadsAChannelInReverse) {
  const Rooms rooms;
  const Direction reverse = Direction::kReverse;
  EXPECT_THAT(rooms.Read({.messages_max = 4, .direction = reverse}),
              ElementsAre("6a", "5a", "4a", "3a"));
  EXPECT_THAT(rooms.Read({.from = 3, .messages_max = 9, .direction = reverse}),
              ElementsAre("3a", "2a", "1a"));
  EXPECT_THAT(rooms.Read({.from = 99, .messages_max = 1, .direction = reverse}), ElementsAre("6a"));
}

TEST(LogReader, ReadsTheLogInOrderOfPosition) {
  const Rooms rooms;
  const LogReader& log = rooms.store.log();
  EXPECT_THAT(Payloads(log.ReadLog({.from = 3, .messages_max = 4})),
              ElementsAre("2a", "2b", "3a", "3b"));
  EXPECT_THAT(Payloads(log.ReadLog({.messages_max = 3, .direction = Direction::kReverse})),
              ElementsAre("6b", "6a", "5b"));
  EXPECT_EQ(log.ReadLog({.messages_max = kMost}).value().size(), 12U);
  EXPECT_THAT(Payloads(log.ReadLog({.from = 13, .messages_max = 9})), IsEmpty());
}

TEST(LogReader, ReturnsAtLeastOneMessageWhateverItsSize) {
  const Rooms rooms;
  EXPECT_THAT(rooms.Read({.messages_max = 9, .bytes_max = 1}), ElementsAre("1a"));
  EXPECT_THAT(rooms.Read({.messages_max = 0}), ElementsAre("1a"));
  EXPECT_EQ(rooms.store.log().ReadLog({.messages_max = 9, .bytes_max = 1}).value().size(), 1U);
}

TEST(LogReader, CountsTheBytesOfWholeMessages) {
  TestStore store;
  for (int i = 0; i < 10; ++i) store.Publish("a", std::string(1000, 'x'));
  const ChannelId a = store.IdOf("a");
  const auto size = store.log().ReadAt({1}).value().message.ByteSizeLong();
  ASSERT_GT(size, 1000U);
  EXPECT_EQ(store.log().ReadChannel(a, {.messages_max = 9, .bytes_max = 3 * size})->size(), 3U);
  EXPECT_EQ(store.log().ReadChannel(a, {.messages_max = 9, .bytes_max = 3 * size - 1})->size(), 2U);
  EXPECT_EQ(store.log().ReadLog({.messages_max = 9, .bytes_max = 4 * size})->size(), 4U);
}

TEST(LogReader, FindsAMessageBySeqAndById) {
  const Rooms rooms;
  const LogReader& log = rooms.store.log();
  for (std::uint64_t i = 1; i <= 6; ++i) {
    const std::string payload = std::to_string(i) + "a";
    EXPECT_EQ(log.ReadSeq(rooms.a, {i}).value().message.payload(), payload);
    const auto found = log.FindById(rooms.a, "m-" + std::to_string(i));
    ASSERT_TRUE(found.value().has_value());
    EXPECT_EQ((*found)->message.payload(), payload);
  }
  EXPECT_EQ(log.FindById(rooms.a, "m-7").value(), std::nullopt);
  EXPECT_EQ(log.FindById({99}, "m-1").value(), std::nullopt);
  EXPECT_EQ(log.ReadSeq(rooms.a, {0}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log.ReadSeq(rooms.a, {7}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log.ReadSeq({99}, {1}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log.ReadAt({0}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log.ReadAt({13}).status().code(), StatusCode::kNotFound);
}

TEST(LogReader, KnowsPositionsAcrossTailsAndDisk) {
  Rooms rooms;
  const auto expected =
      ElementsAre(Position{3}, Position{5}, Position{7}, Position{9}, Position{11});
  EXPECT_THAT(rooms.store.log().Positions(rooms.a, {{2}, {6}}).value(), expected);
  rooms.store.Reopen();
  EXPECT_THAT(rooms.store.log().Positions(rooms.a, {{2}, {6}}).value(), expected);
  rooms.store.FoldNow();
  EXPECT_THAT(rooms.store.log().Positions(rooms.a, {{2}, {6}}).value(), expected);
}

// More than a row of the index takes, in rows of every length.
TEST(LogReader, FindsEachSeqInWhicheverRowItIs) {
  TestStore store;
  std::vector<Position> expected;
  for (const std::size_t count :
       {std::size_t{1}, 2 * kIndexRowMax + 1, kIndexRowMax, std::size_t{3}}) {
    for (std::size_t i = 0; i < count; ++i) {
      expected.push_back(store.Publish("a", "").position);
      if (i % 3 == 0) store.Publish("b", "");
    }
    store.FoldNow();
  }
  store.Reopen();
  const ChannelId a = store.IdOf("a");
  EXPECT_EQ(store.log().Positions(a, {{1}, {expected.size()}}).value(), expected);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_THAT(store.log().Positions(a, {{i + 1}, {i + 1}}).value(), ElementsAre(expected[i]));
  }
}

// A row of the index holds many seqs: what is before it, and behind it, is read from its side.
TEST(LogReader, ReadsUpToADamagedRowOfTheIndexFromBothSides) {
  TestStore store;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 4; ++j) store.Publish("a", "");
    store.FoldNow();
  }
  store.Reopen();
  const ChannelId a = store.IdOf("a");
  const std::string key = store.IndexKeyOf(a, {6}).value();
  const std::string row = store.database().Get(Family::kIndex, key)->value();
  const auto seqs = [&](Direction direction) {
    std::vector<std::uint64_t> read;
    const auto messages =
        store.log().ReadChannel(a, {.messages_max = kMost, .direction = direction});
    EXPECT_TRUE(messages.ok()) << messages.status();
    for (const StoredMessage& each : *messages) read.push_back(each.seq().value);
    return read;
  };
  for (const bool erased : {false, true}) {
    if (erased) {
      store.Erase(Family::kIndex, key);
    } else {
      store.Overwrite(Family::kIndex, key, row.substr(1));
    }
    EXPECT_THAT(seqs(Direction::kForward), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(seqs(Direction::kReverse), ElementsAre(12, 11, 10, 9));
    const auto from_it = store.log().ReadChannel(a, {.from = 5, .messages_max = 9});
    ExpectDataLoss(from_it.status(), "index: seq 5 of channel number 1 is missing");
    EXPECT_FALSE(store.log().ReadSeq(a, {8}).ok());
    EXPECT_TRUE(store.log().ReadSeq(a, {9}).ok());
  }
}

// A row that is in RocksDB already and not yet committed for readers.
TEST(LogReader, ReturnsNothingBeyondTheLastPosition) {
  Rooms rooms;
  StoredMessage early = rooms.store.log().ReadAt({11}).value();
  early.message.set_position(13);
  early.message.set_seq(7);
  rooms.store.Overwrite(Family::kLog, keys::Log({13}), MakeLogRow(early));
  rooms.store.Overwrite(Family::kIndex, keys::Index(rooms.a, {7}), keys::U64(13));
  EXPECT_EQ(rooms.store.log().ReadAt({13}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(rooms.store.log().ReadLog({.messages_max = kMost})->size(), 12U);
  EXPECT_EQ(rooms.Read({.messages_max = kMost}).size(), 6U);
}

TEST(LogReader, NoticesADamagedRow) {
  Rooms rooms;
  std::string row = rooms.store.database().Get(Family::kLog, keys::Log({3}))->value();
  row.back() = static_cast<char>(row.back() ^ 1);
  rooms.store.Overwrite(Family::kLog, keys::Log({3}), row);
  const LogReader& log = rooms.store.log();
  ExpectDataLoss(log.ReadAt({3}).status(), "log position 3: checksum differs");
  ExpectDataLoss(log.ReadSeq(rooms.a, {2}).status(), "log position 3");
  ExpectDataLoss(log.ReadChannel(rooms.a, {.from = 2, .messages_max = 9}).status(),
                 "log position 3");
  ExpectDataLoss(log.ReadLog({.from = 3, .messages_max = 9}).status(), "log position 3");
  ExpectDataLoss(log.FindById(rooms.a, "m-2").status(), "log position 3");
  EXPECT_TRUE(log.ReadSeq(rooms.a, {1}).ok());
}

TEST(LogReader, ReadsUpToADamagedRowAndGoesOnBehindIt) {
  Rooms rooms;
  rooms.store.Overwrite(Family::kLog, keys::Log({7}), "garbage");
  const LogReader& log = rooms.store.log();
  EXPECT_EQ(log.ReadLog({.messages_max = kMost})->size(), 6U);
  EXPECT_EQ(log.ReadLog({.from = 8, .messages_max = kMost})->size(), 5U);
  EXPECT_EQ(rooms.Read({.messages_max = kMost}).size(), 3U);
  EXPECT_EQ(rooms.Read({.messages_max = kMost, .direction = Direction::kReverse}).size(), 2U);
}

TEST(LogReader, TellsOfDamageOnceForEachPlace) {
  Rooms rooms;
  std::vector<std::string> told;
  rooms.store.database().damage().Listen(
      [&told](const Status& damage) { told.push_back(MessageOf(damage)); });
  const LogReader& log = rooms.store.log();
  EXPECT_EQ(log.ReadAt({99}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(rooms.store.database().damage().first(), OkStatus());
  rooms.store.Erase(Family::kLog, keys::Log({3}));
  rooms.store.Overwrite(Family::kLog, keys::Log({5}), "garbage");
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(log.ReadSeq(rooms.a, {2}).ok());
    EXPECT_FALSE(log.ReadAt({5}).ok());
  }
  EXPECT_THAT(told, ElementsAre("log: position 3 is missing", HasSubstr("log position 5")));
  EXPECT_EQ(MessageOf(rooms.store.database().damage().first()), told.front());
}

TEST(LogReader, NoticesAMissingRowAndOneOfAnotherPosition) {
  Rooms rooms;
  rooms.store.Overwrite(Family::kLog, keys::Log({3}),
                        rooms.store.database().Get(Family::kLog, keys::Log({5}))->value());
  ExpectDataLoss(rooms.store.log().ReadAt({3}).status(),
                 "log position 3: holds the message of position 5");
  rooms.store.Erase(Family::kLog, keys::Log({3}));
  ExpectDataLoss(rooms.store.log().ReadAt({3}).status(), "log: position 3 is missing");
}

TEST(LogReader, NoticesADamagedIndex) {
  Rooms rooms;
  const LogReader& log = rooms.store.log();
  for (const std::uint64_t wrong : {0ULL, 2ULL, 3ULL, 99ULL}) {
    rooms.store.OverwriteIndex(rooms.a, {1}, {wrong});
    ExpectDataLoss(log.ReadSeq(rooms.a, {1}).status(), "index: the row of seq 1");
    EXPECT_EQ(log.ReadChannel(rooms.a, {.messages_max = 9, .direction = Direction::kReverse})
                  ->back()
                  .seq(),
              Seq{2});
  }
  const std::string key = rooms.store.IndexKeyOf(rooms.a, {1}).value();
  for (const std::string wrong : {"", "1234567", "123456789"}) {
    rooms.store.Overwrite(Family::kIndex, key, wrong);
    ExpectDataLoss(log.ReadSeq(rooms.a, {1}).status(), "index: seq 1 of channel number 1 is");
  }
  rooms.store.Overwrite(Family::kIndex, key, keys::U64(3));  // of seq 2 alone
  ExpectDataLoss(log.ReadSeq(rooms.a, {1}).status(), "index: seq 1 of channel number 1 is missing");
  EXPECT_TRUE(log.ReadSeq(rooms.a, {2}).ok());
  rooms.store.Erase(Family::kIndex, key);
  ExpectDataLoss(log.ReadSeq(rooms.a, {2}).status(), "index: seq 2 of channel number 1 is missing");
}

TEST(LogReader, NoticesADamagedRowOfIds) {
  Rooms rooms;
  const std::string key = keys::Ids(rooms.a, keys::HashOfId("m-1"));
  for (const std::string& wrong : {std::string("x"), keys::U64(2), keys::U64(3), keys::U64(99)}) {
    rooms.store.Overwrite(Family::kIds, key, wrong);
    ExpectDataLoss(rooms.store.log().FindById(rooms.a, "m-1").status(),
                   "ids: the row of message id m-1 names position");
  }
}

}  // namespace
}  // namespace ackwire
