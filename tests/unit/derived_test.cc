#include "store/derived.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "store/record.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

TEST(Derived, IsEmptyInAnEmptyLog) {
  TestStore store;
  EXPECT_EQ(store.derived().last_position(), Position{0});
  EXPECT_EQ(store.derived().Freeze(), std::nullopt);
}

TEST(Derived, CountsWhatMetNoSubscriber) {
  TestStore store;
  const auto unheard = [&store] {
    return std::pair(store.Info("room").unheard,
                     store.derived().Read([](const DerivedView& view) { return view.unheard; }));
  };
  store.Publish("room", "1");
  store.Publish("hall", "1");
  store.Subscribe("alice", "room");
  store.Publish("room", "2");
  store.Unsubscribe("alice", "room");
  store.Publish("room", "3");
  EXPECT_EQ(unheard(), std::pair(2UL, 3UL));
  store.Reopen();
  EXPECT_EQ(unheard(), std::pair(2UL, 3UL)) << "folded again";
  store.FoldNow();
  store.Publish("room", "4");
  store.Reopen();
  EXPECT_EQ(unheard(), std::pair(3UL, 4UL)) << "on disk, and from there on";
  EXPECT_TRUE(store.Differences().empty());
}

TEST(Derived, FreezesOneTailAtATime) {
  TestStore store;
  store.Publish("room/1", "1");
  const auto frozen = store.derived().Freeze();
  ASSERT_TRUE(frozen.has_value());
  EXPECT_EQ(frozen->tail->last_position(), Position{1});
  EXPECT_EQ(frozen->channels.size(), 1U);
  store.Publish("room/1", "2");
  EXPECT_FALSE(store.derived().Freeze().has_value());
  EXPECT_EQ(frozen->tail->last_position(), Position{1}) << "a frozen tail takes no more";
  store.derived().DropFrozen();
  EXPECT_TRUE(store.derived().Freeze().has_value());
}

TEST(Derived, ReadsTheNewerTailOverTheFrozenOne) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Publish("room/1", "1", {.id = "m-1"});
  ASSERT_TRUE(store.derived().Freeze().has_value());
  store.Publish("room/1", "2", {.id = "m-2"});
  store.Unsubscribe("alice", "room/1");
  const ChannelId room = store.IdOf("room/1");
  store.derived().Read([&](const DerivedView& view) {
    EXPECT_EQ(view.PositionOf(room, {1}), Position{1});
    EXPECT_EQ(view.PositionOf(room, {2}), Position{2});
    EXPECT_EQ(view.PositionOf(room, {3}), std::nullopt);
    EXPECT_EQ(view.PositionOfId(room, keys::HashOfId("m-1")), Position{1});
    EXPECT_EQ(view.PositionOfId(room, keys::HashOfId("m-2")), Position{2});
  });
  const std::string key = keys::Members(room, "alice");
  const auto row = store.derived().TailRow(Family::kMembers, key);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(*row, std::nullopt) << "the newer tail deletes it";
  EXPECT_EQ(store.derived().TailRows(Family::kMembers, {key, key + "x"}).size(), 1U);
  EXPECT_EQ(store.derived().TailRow(Family::kMembers, keys::Members(room, "bob")), std::nullopt);
}

TEST(Derived, IsTheSameInTheTailsAndOnDisk) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Publish("room/1", "1");
  store.Publish("room/2", "2");
  store.Ack("alice", "room/1", {{1}, {1}});
  const std::string before = store.Describe();
  ASSERT_TRUE(store.derived().Freeze().has_value());
  EXPECT_EQ(store.Describe(), before);
  store.Reopen();
  EXPECT_EQ(store.Describe(), before) << "folded again from the beginning";
  store.FoldNow();
  EXPECT_EQ(store.Describe(), before);
  store.Reopen();
  EXPECT_EQ(store.Describe(), before) << "read from the rows";
  EXPECT_FALSE(store.derived().Freeze().has_value()) << "nothing is left to fold";
}

// A group that takes this much of the tail.
SharedGroup LargeGroup(const Derived& derived, std::size_t event_bytes) {
  auto group = std::make_shared<CommittedGroup>();
  group->last = derived.last_position();
  group->number = derived.Read([](const DerivedView& view) { return view.last_number; });
  ++group->number.value;
  *group->record.add_events() = events::SessionOpened(std::string(event_bytes, 'a'));
  return group;
}

TEST(Derived, IsDueWhenTheTailHasManyBytesOfEvents) {
  TestStore store;
  store.derived().Apply(LargeGroup(store.derived(), 1000));
  EXPECT_FALSE(store.derived().IsDue());
  store.derived().Apply(LargeGroup(store.derived(), kDueEventBytes));
  EXPECT_TRUE(store.derived().IsDue());
  ASSERT_TRUE(store.derived().Freeze().has_value());
  EXPECT_FALSE(store.derived().IsDue());
}

TEST(Derived, IsNotDueForAsManyBytesOfMessages) {
  TestStore store;
  constexpr std::uint64_t kMessages = 100'000;
  auto group = std::make_shared<CommittedGroup>();
  for (std::uint64_t i = 1; i <= kMessages; ++i) {
    StoredMessage& stored = group->messages.emplace_back();
    stored.channel = {1};
    stored.message.set_channel("room/1");
    stored.message.set_kind(v1::KIND_CREATED);
    stored.message.set_seq(i);
    stored.message.set_position(i);
    stored.id_hash.emplace();
    std::memcpy(stored.id_hash->data(), &i, sizeof(i));
  }
  group->last = {kMessages};
  store.derived().Apply(group);
  store.derived().Read(
      [](const DerivedView& view) { EXPECT_GT(view.active.bytes(), kDueEventBytes); });
  EXPECT_FALSE(store.derived().IsDue());
}

TEST(Derived, KeepsNoMessagesForTheSakeOfEvents) {
  TestStore store;
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "hi"),
                             TestStore::SubscribeWorkOf({{"alice", "room/1", {}}})};
  const std::weak_ptr<const CommittedGroup> both = store.Commit(works);
  EXPECT_TRUE(both.expired());
  works = {TestStore::SubscribeWorkOf({{"bob", "room/1", {}}})};
  const std::weak_ptr<const CommittedGroup> events_alone = store.Commit(works);
  EXPECT_FALSE(events_alone.expired()) << "shared, not copied";
  store.FoldNow();
  EXPECT_TRUE(events_alone.expired());
}

TEST(Derived, HasTheWriterWaitUntilTheFrozenTailIsOnDisk) {
  TestStore store;
  store.derived().Apply(LargeGroup(store.derived(), 1000));
  ASSERT_TRUE(store.derived().Freeze().has_value());
  store.derived().Apply(LargeGroup(store.derived(), kTailBytesMax / 2));
  std::promise<Status> room;
  std::thread writer([&] { room.set_value(store.derived().WaitForRoom()); });
  store.derived().DropFrozen();
  EXPECT_TRUE(room.get_future().get().ok());
  writer.join();
}

TEST(Derived, LeavesNoRoomAfterAFailure) {
  TestStore store;
  EXPECT_TRUE(store.derived().WaitForRoom().ok());
  store.derived().Fail(Error(StatusCode::kUnavailable, "the disk is gone"));
  EXPECT_EQ(MessageOf(store.derived().WaitForRoom()), "the disk is gone");
  std::vector<Work> works;
  works.push_back(TestStore::SubscribeWorkOf({{"alice", "room/1", {}}}));
  EXPECT_EQ(MessageOf(store.writer().Commit(works).status()), "the disk is gone");
}

void ExpectRefused(TestStore& store, const std::string& why) {
  const Status status = store.TryReopen();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(MessageOf(status), HasSubstr(why));
}

TEST(Derived, RefusesALogWithAPositionMissing) {
  TestStore store;
  for (int i = 0; i < 3; ++i) store.Publish("room/1", "hi");
  store.Erase(Family::kLog, keys::Log({2}));
  ExpectRefused(store, "log: position 2 is missing; the last good one is 1");
}

TEST(Derived, RefusesALogThatEndsBeforeItsJournal) {
  TestStore store;
  store.Publish("room/1", "hi");
  store.Record({events::SessionOpened("alice")});
  store.Erase(Family::kLog, keys::Log({1}));
  ExpectRefused(store,
                "log: ends at position 0, but journal record 1 was written after position 1");
}

TEST(Derived, RefusesAJournalWithANumberMissing) {
  TestStore store;
  for (int i = 0; i < 3; ++i) store.Record({events::SessionOpened("alice")});
  store.Erase(Family::kJournal, keys::Journal({2}));
  ExpectRefused(store, "journal: record 2 is missing; the last good one is 1");
}

TEST(Derived, RefusesDamagedRecords) {
  for (const auto& [family, key] :
       {std::pair{Family::kLog, keys::Log({1})}, std::pair{Family::kJournal, keys::Journal({1})},
        std::pair{Family::kChannels, std::string("room/1")},
        std::pair{Family::kMeta, std::string(meta::kDerived)}}) {
    TestStore store;
    store.Subscribe("alice", "room/1");
    if (family == Family::kChannels || family == Family::kMeta) store.FoldNow();
    store.Publish("room/1", "hi");
    store.Overwrite(family, key, "garbage");
    EXPECT_EQ(store.TryReopen().code(), StatusCode::kDataLoss)
        << "family " << static_cast<int>(family);
  }
}

TEST(Derived, RefusesAMissingChannel) {
  TestStore store;
  store.Publish("room/1", "hi");
  store.Publish("room/2", "hi");
  store.FoldNow();
  store.Erase(Family::kChannels, "room/1");
  ExpectRefused(store, "a channel is missing from both channels and log");
}

// What fails to be written must not be lost: the tail stays, and readers still see it.
TEST(DerivedWriter, KeepsTheTailWhenAStepFails) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.FoldNow();
  store.Publish("room/1", "1");
  const std::filesystem::path ingest = store.database().directory().ingest_path();
  std::filesystem::remove_all(ingest);
  std::ofstream(ingest) << "a file where the runs' directory should be";
  EXPECT_THROW(store.FoldNow(), std::runtime_error);
  EXPECT_EQ(store.log().ReadAt({1}).value().message.payload(), "1");
  std::filesystem::remove(ingest);
  store.FoldNow();
  EXPECT_EQ(store.Entry("alice", "room/1").Undelivered({1}), 1U);
  const auto checkpoint = store.database().Get(Family::kMeta, meta::kDerived);
  store::DerivedCheckpoint parsed;
  ASSERT_TRUE(record::OpenInto(**checkpoint, "checkpoint", parsed).ok());
  EXPECT_EQ(parsed.position(), 1U);
  EXPECT_EQ(parsed.undelivered(), 1U);
}

}  // namespace
}  // namespace ackwire
