#include "outbox/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include "outbox/relay_thread.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Takes as many groups as it has room for, and keeps what it was offered.
class RecordingSink final : public Sink {
 public:
  Offered Offer(const SharedGroup& group) override {
    if (room == 0) {
      refused.push_back(group->last.value);
      return Offered::kFull;
    }
    --room;
    taken.push_back(group->last.value);
    groups.push_back(group);
    return Offered::kTaken;
  }

  std::size_t room = 1'000'000;
  std::vector<std::uint64_t> taken;
  std::vector<std::uint64_t> refused;
  std::vector<SharedGroup> groups;
};

// A relay with two sinks on a store.
class Relaying {
 public:
  Relaying() { Start(); }

  void Start() {
    rows = std::make_unique<OutboxRows>(store.database(), store.log());
    relay = std::make_unique<Relay>(*rows, store.clock());
    if (const Status status = relay->Load({&one, &two}); !status.ok()) {
      throw std::runtime_error(status.ToString());
    }
  }

  void Restart() {
    relay.reset();
    store.Reopen();
    one = {};
    two = {};
    Start();
  }

  SharedGroup Commit(const std::string& payload) {
    std::vector<Work> works = {TestStore::PublishWorkOf("room/1", payload)};
    SharedGroup group = store.Commit(works);
    relay->Committed(group);
    return group;
  }

  void Step() {
    const Status status = relay->Step({});
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }

  std::uint64_t RowsOnDisk() const { return rows->CountAfter({}).value(); }

  TestStore store;
  RecordingSink one;
  RecordingSink two;
  std::unique_ptr<OutboxRows> rows;
  std::unique_ptr<Relay> relay;
};

TEST(Relay, OffersEachGroupOnceAndInOrderToEachSink) {
  Relaying relaying;
  const SharedGroup first = relaying.Commit("1");
  relaying.Commit("2");
  relaying.Step();
  relaying.Step();
  relaying.Commit("3");
  relaying.Step();
  EXPECT_THAT(relaying.one.taken, ElementsAre(1, 2, 3));
  EXPECT_THAT(relaying.two.taken, ElementsAre(1, 2, 3));
  EXPECT_EQ(relaying.one.groups[0], first) << "the very object that was committed";
  EXPECT_EQ(relaying.two.groups[0], first);
}

TEST(Relay, CarriesCommitsWithoutMessagesToo) {
  Relaying relaying;
  std::vector<Work> works = {TestStore::JournalWorkOf({events::SessionOpened("alice")})};
  relaying.relay->Committed(relaying.store.Commit(works));
  relaying.Commit("1");
  relaying.Step();
  ASSERT_EQ(relaying.one.groups.size(), 2U);
  EXPECT_EQ(relaying.one.groups[0]->record.events_size(), 1);
  EXPECT_THAT(relaying.one.taken, ElementsAre(0, 1));
}

TEST(Relay, OffersTheSameAgainToASinkThatWasFullAndServesTheOtherMeanwhile) {
  Relaying relaying;
  relaying.one.room = 1;
  for (const char* payload : {"1", "2", "3"}) relaying.Commit(payload);
  relaying.Step();
  EXPECT_THAT(relaying.one.taken, ElementsAre(1));
  EXPECT_THAT(relaying.one.refused, ElementsAre(2));
  EXPECT_THAT(relaying.two.taken, ElementsAre(1, 2, 3));
  relaying.Step();
  EXPECT_THAT(relaying.one.refused, ElementsAre(2, 2));
  relaying.one.room = 9;
  relaying.Step();
  EXPECT_THAT(relaying.one.taken, ElementsAre(1, 2, 3));
  EXPECT_THAT(relaying.two.taken, ElementsAre(1, 2, 3));
}

// The row is on disk before the derived state has it: sinks would read what is not there yet.
TEST(Relay, WaitsUntilItIsToldOfACommit) {
  Relaying relaying;
  relaying.Commit("1");
  relaying.Step();
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "2")};
  const SharedGroup untold = relaying.store.Commit(works);
  relaying.Step();
  EXPECT_THAT(relaying.one.taken, ElementsAre(1));
  relaying.relay->Committed(untold);
  relaying.Step();
  EXPECT_THAT(relaying.one.taken, ElementsAre(1, 2));
}

TEST(Relay, ReadsWhatMemoryDroppedFromTheOutbox) {
  Relaying relaying;
  relaying.one.room = 1;
  const std::string payload(250 * 1024, 'x');
  const std::uint64_t commits = kRecentBytesMax / payload.size() + 20;
  for (std::uint64_t i = 0; i < commits; ++i) {
    relaying.Commit(payload);
    if (i % 8 == 0) relaying.Step();
  }
  relaying.one.room = commits;
  relaying.Step();
  ASSERT_EQ(relaying.one.taken.size(), commits);
  for (std::uint64_t i = 0; i < commits; ++i) EXPECT_EQ(relaying.one.taken[i], i + 1);
  EXPECT_EQ(relaying.two.taken, relaying.one.taken);
  EXPECT_NE(relaying.one.groups[1], relaying.two.groups[1]) << "this one was read again";
  EXPECT_EQ(relaying.one.groups[1]->messages[0].message.payload(), payload);
  EXPECT_EQ(relaying.one.groups.back(), relaying.two.groups.back()) << "this one was in memory";
}

TEST(Relay, GoesOnFromItsCheckpointAfterARestart) {
  Relaying relaying;
  for (const char* payload : {"1", "2"}) relaying.Commit(payload);
  ASSERT_TRUE(relaying.relay->Step({.checkpoint_now = true}).ok());
  for (const char* payload : {"3", "4"}) relaying.Commit(payload);
  relaying.Step();
  EXPECT_THAT(relaying.one.taken, ElementsAre(1, 2, 3, 4));
  relaying.Restart();
  EXPECT_EQ(relaying.relay->depth().commits, 2U);
  relaying.Commit("5");
  relaying.Step();
  EXPECT_THAT(relaying.one.taken, ElementsAre(3, 4, 5));
  EXPECT_THAT(relaying.two.taken, ElementsAre(3, 4, 5));
  EXPECT_EQ(relaying.one.groups[0]->messages.at(0).message.payload(), "3");
  EXPECT_EQ(relaying.relay->depth().commits, 0U);
}

TEST(Relay, ChecksPointsBehindTheSlowestSink) {
  Relaying relaying;
  relaying.one.room = 1;
  for (const char* payload : {"1", "2", "3"}) relaying.Commit(payload);
  ASSERT_TRUE(relaying.relay->Step({.checkpoint_now = true}).ok());
  EXPECT_EQ(relaying.rows->LoadCheckpoint().value(), (OutboxPoint{{1}, {0}}));
  EXPECT_EQ(relaying.RowsOnDisk(), 2U);
  relaying.one.room = 9;
  ASSERT_TRUE(relaying.relay->Step({.checkpoint_now = true}).ok());
  EXPECT_EQ(relaying.RowsOnDisk(), 0U);
}

TEST(Relay, WritesItsCheckpointEverySecond) {
  Relaying relaying;
  relaying.Commit("1");
  relaying.Step();
  EXPECT_EQ(relaying.RowsOnDisk(), 1U) << "not due yet";
  relaying.store.clock().Advance(Duration(999));
  relaying.Step();
  EXPECT_EQ(relaying.RowsOnDisk(), 1U);
  relaying.store.clock().Advance(Duration(1));
  relaying.Step();
  EXPECT_EQ(relaying.RowsOnDisk(), 0U);
}

void ExpectDepth(const Relaying& relaying, std::uint64_t commits, Duration oldest_age) {
  EXPECT_EQ(relaying.relay->depth().commits, commits);
  EXPECT_EQ(relaying.relay->depth().oldest_age, oldest_age);
}

TEST(Relay, TellsItsDepthAndTheAgeOfTheOldest) {
  Relaying relaying;
  ExpectDepth(relaying, 0, Duration(0));
  relaying.Commit("1");
  relaying.store.clock().Advance(Duration(300));
  relaying.Commit("2");
  relaying.store.clock().Advance(Duration(200));
  ExpectDepth(relaying, 2, Duration(500));
  relaying.one.room = 1;
  relaying.Step();
  ExpectDepth(relaying, 1, Duration(200));
  relaying.store.clock().Advance(Duration(50));
  ExpectDepth(relaying, 1, Duration(250));
  relaying.one.room = 9;
  relaying.Step();
  ExpectDepth(relaying, 0, Duration(0));
}

TEST(Relay, KnowsTheAgeOfWhatItFindsInTheOutbox) {
  Relaying relaying;
  relaying.Commit("1");
  relaying.store.clock().Advance(Duration(300));
  relaying.Commit("2");
  relaying.store.clock().Advance(Duration(200));
  relaying.Restart();
  ExpectDepth(relaying, 2, Duration(500));
  relaying.one.room = 0;
  relaying.Commit("3");
  relaying.Step();
  ExpectDepth(relaying, 3, Duration(500));
  relaying.one.room = 1;
  relaying.Step();
  ExpectDepth(relaying, 2, Duration(200));
}

TEST(Relay, FailsWhenTheOutboxIsDamagedOrIncomplete) {
  Relaying relaying;
  relaying.Commit("1");
  relaying.Restart();
  relaying.store.Overwrite(Family::kOutbox, keys::Outbox({1}, {0}), "garbage");
  EXPECT_EQ(relaying.relay->Step({}).code(), StatusCode::kDataLoss);
  relaying.store.Erase(Family::kOutbox, keys::Outbox({1}, {0}));
  const Status missing = relaying.relay->Step({});
  EXPECT_EQ(missing.code(), StatusCode::kDataLoss);
  EXPECT_THAT(MessageOf(missing), HasSubstr("outbox: the rows after position 0 are missing"));
}

// Is full after `room` groups until a test makes room; tests wait for what it took.
class WaitingSink final : public Sink {
 public:
  Offered Offer(const SharedGroup& group) override {
    const std::lock_guard lock(mutex_);
    if (room_ == 0) {
      full_ = true;
      changed_.notify_all();
      return Offered::kFull;
    }
    --room_;
    taken_.push_back(group->last.value);
    changed_.notify_all();
    return Offered::kTaken;
  }

  void SetRoom(std::size_t room) {
    const std::lock_guard lock(mutex_);
    room_ = room;
  }
  void WaitUntilFull() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return full_; });
  }
  void WaitFor(std::size_t groups) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return taken_.size() >= groups; });
  }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::size_t room_ = 1000;
  bool full_ = false;
  std::vector<std::uint64_t> taken_;
};

TEST(RelayThread, CarriesWhatIsCommittedAndWakesWhenASinkHasRoom) {
  TestStore store;
  OutboxRows rows(store.database(), store.log());
  Relay relay(rows, store.clock());
  WaitingSink sink;
  sink.SetRoom(1);
  ASSERT_TRUE(relay.Load({&sink}).ok());
  std::vector<Status> failures;
  {
    RelayThread thread(relay, [&](const Status& why) { failures.push_back(why); });
    for (const char* payload : {"1", "2", "3"}) {
      std::vector<Work> works = {TestStore::PublishWorkOf("room/1", payload)};
      thread.Committed(store.Commit(works));
    }
    sink.WaitUntilFull();
    sink.SetRoom(1000);
    thread.Wake();
    sink.WaitFor(3);
  }
  EXPECT_THAT(failures, IsEmpty());
  EXPECT_EQ(rows.LoadCheckpoint().value(), (OutboxPoint{{3}, {0}})) << "written at the end";
}

TEST(RelayThread, TellsOnceThatItFailed) {
  TestStore store;
  store.Publish("room/1", "1");
  OutboxRows rows(store.database(), store.log());
  Relay relay(rows, store.clock());
  RecordingSink sink;
  ASSERT_TRUE(relay.Load({&sink}).ok());
  store.Overwrite(Family::kOutbox, keys::Outbox({1}, {0}), "garbage");
  std::vector<Status> failures;
  {
    RelayThread thread(relay, [&](const Status& why) { failures.push_back(why); });
    thread.Wake();
  }
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace ackwire
