// A client is forgotten step by step: whatever is read, folded again, verified or recovered between
// two of them.
#include "store/forgetter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/iterator.h>

#include "ackwire/v1/deliveries.pb.h"
#include "store/eraser.h"
#include "store/failures.h"
#include "store/record.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;

class ForgetterTest : public testing::Test {
 protected:
  ForgetterTest() {
    for (const char* client : {"alice", "bob"}) store_.Subscribe(client, "room");
    for (int i = 0; i < 5; ++i) store_.Publish("room", "hello");
    room_ = store_.IdOf("room");
    // In one record each: alice's before bob's.
    store_.Record(
        {events::Acked("alice", room_, {RunOf(1, 1)}), events::Acked("bob", room_, {RunOf(1, 1)})});
    store_.Record(
        {events::Failed("alice", room_, RunOf(2, 3)), events::Failed("bob", room_, RunOf(2, 3))});
    failed_in_ = store_.derived().last_number();
    for (const char* client : {"alice", "bob"}) store_.Park(client, "room", {4});
  }

  void Forget() {
    store_.Record({events::Unsubscribed("alice", room_), events::Forgotten("alice")});
  }
  void DropRows() {
    Forgetter forgetter(store_.database());
    const StatusOr<bool> dropped = forgetter.DropRows();
    ASSERT_TRUE(dropped.ok()) << dropped.status();
    EXPECT_TRUE(*dropped);
  }
  void EraseJournal() {
    Forgetter forgetter(store_.database());
    Eraser eraser(store_.database(), forgetter);
    ASSERT_TRUE(eraser.Step().ok());
  }

  void ExpectNoClient() {
    EXPECT_FALSE(store_.ledger().Client("alice")->known);
    EXPECT_THAT(*store_.ledger().Entries("alice"), IsEmpty());
    EXPECT_EQ(store_.totals().clients, 1U);
    EXPECT_EQ(store_.totals().parked, 1U);
  }
  void ExpectForgotten() {
    ExpectNoClient();
    EXPECT_EQ(store_.totals().undelivered, 3U);
    EXPECT_EQ(store_.Entry("bob", "room").parked(), 1U);
  }

  // Both, after which nothing names her and the log is whole. Closes the store.
  void EraseAll() {
    DropRows();
    EraseJournal();
    EXPECT_EQ(Names(), 0);
    EXPECT_THAT(store_.Differences(), IsEmpty());
  }

  store::JournalRecord RecordOf(JournalNumber number) {
    const auto row = store_.database().Get(Family::kJournal, keys::Journal(number));
    store::JournalRecord record;
    EXPECT_TRUE(record::OpenInto(row->value(), "", record).ok());
    return record;
  }

  // How many rows and values of this family name alice.
  int NamesIn(Family family) {
    int names = 0;
    const auto row = store_.database().NewIterator(family, {});
    for (; row->Valid(); row->Next()) {
      for (const auto& bytes : {row->key().ToString(), row->value().ToString()}) {
        names += bytes.find("alice") != std::string::npos ? 1 : 0;
      }
    }
    return names;
  }
  int Names() {
    int names = 0;
    for (std::size_t i = 0; i < kFamilies; ++i) names += NamesIn(static_cast<Family>(i));
    return names;
  }

  TestStore store_;
  ChannelId room_;
  JournalNumber failed_in_;
};

TEST_F(ForgetterTest, EachStepLeavesAWholeLog) {
  store_.FoldNow();
  Forget();
  ExpectForgotten();
  EXPECT_THAT(store_.Differences(), IsEmpty()) << "before it is folded";
  store_.Reopen();
  ExpectForgotten();
  store_.FoldNow();
  ExpectForgotten();
  EXPECT_THAT(store_.Differences(), IsEmpty()) << "before its rows are gone";
  store_.Reopen();
  DropRows();
  ExpectForgotten();
  for (const Family family :
       {Family::kLedger, Family::kHistory, Family::kParked, Family::kMembers}) {
    EXPECT_EQ(NamesIn(family), 0) << NameOf(family);
  }
  EXPECT_THAT(store_.Differences(), IsEmpty()) << "before the journal is written again";
  store_.Reopen();
  EraseJournal();
  ExpectForgotten();
  EXPECT_EQ(Names(), 0);
  EXPECT_THAT(store_.Differences(), IsEmpty());
}

TEST_F(ForgetterTest, WhatSheAloneWasOwedStaysHeard) {
  store_.Subscribe("alice", "hers");
  store_.Publish("hers", "hello");
  store_.Record({events::Unsubscribed("alice", store_.IdOf("hers"))});
  store_.FoldNow();
  Forget();
  store_.FoldNow();
  EraseAll();
  store_.Reopen();
  EXPECT_EQ(store_.Info("hers").unheard, 0U);
}

TEST_F(ForgetterTest, NothingIsDroppedOfWhatIsNotFolded) {
  store_.FoldNow();
  Forget();
  Forgetter forgetter(store_.database());
  EXPECT_FALSE(forgetter.DropRows().value());
  EXPECT_THAT(NamesIn(Family::kLedger), Gt(0));
  store_.FoldNow();
  EXPECT_TRUE(forgetter.DropRows().value());
}

TEST_F(ForgetterTest, OtherFailuresKeepTheirIds) {
  const auto of_bob = [&] {
    std::vector<FailureId> ids;
    for (const Failure& failure : FailuresOf(failed_in_, RecordOf(failed_in_))) {
      if (failure.client == "bob") ids.push_back(failure.id);
    }
    return ids;
  };
  const std::vector<FailureId> before = of_bob();
  EXPECT_THAT(before, ElementsAre(FailureId::Of(failed_in_, 1)));
  Forget();
  store_.FoldNow();
  DropRows();
  EraseJournal();
  EXPECT_EQ(of_bob(), before);
}

TEST_F(ForgetterTest, WhoComesBackIsNewAndStays) {
  std::vector<Work> works;
  works.push_back(
      TestStore::JournalWorkOf({events::Unsubscribed("alice", room_), events::Forgotten("alice")}));
  works.push_back(TestStore::SubscribeWorkOf({{"alice", "room", {}}}));
  (void)store_.Commit(works);
  store_.Publish("room", "six");
  store_.Ack("alice", "room", RunOf(6, 6));
  const auto is_new = [&] {
    EXPECT_TRUE(store_.ledger().Client("alice")->known);
    EXPECT_EQ(store_.ledger().Client("alice")->subscriptions, 1U);
    EXPECT_EQ(store_.Entry("alice", "room").start(), Seq{6});
    EXPECT_TRUE(store_.Entry("alice", "room").IsSettled({6}));
    EXPECT_EQ(store_.totals().clients, 2U);
  };
  is_new();
  store_.FoldNow();
  DropRows();
  is_new();
  EraseJournal();
  is_new();
  EXPECT_THAT(store_.Differences(), IsEmpty());
  store_.Reopen();
  is_new();
}

TEST_F(ForgetterTest, WithSubscriptionsItIsNotForgotten) {
  std::vector<Work> works;
  works.push_back(TestStore::JournalWorkOf({events::Forgotten("alice")}));
  (void)store_.Commit(works);
  EXPECT_EQ(std::get<JournalWork>(works[0]).outcome.status().code(), StatusCode::kAborted);
  EXPECT_TRUE(store_.ledger().Client("alice")->known);
}

TEST_F(ForgetterTest, WhatIsOpenOfAReplayIsSkipped) {
  store_.Record({events::ReplayStarted(2), events::ReplayPinned("alice", room_, {RunOf(4, 4)}),
                 events::ReplayPinned("bob", room_, {RunOf(4, 4)})});
  const auto skipped = [&] {
    return store_.derived().Read([](const DerivedView& view) {
      const ReplayInfo& replay = view.replays.all().begin()->second;
      return std::pair(replay.skipped_total(), replay.open());
    });
  };
  Forget();
  EXPECT_EQ(skipped(), std::pair(std::uint64_t{1}, std::uint64_t{1}));
  // Its session had said so before; nobody's name comes back with it.
  const ReplayId replay = store_.derived().Read(
      [](const DerivedView& view) { return view.replays.all().begin()->first; });
  store_.Record(
      {events::ReplayOutcome(replay, "alice", room_, RunOf(4, 4), store::ReplayOutcome::ACKED)});
  store_.FoldNow();
  EraseAll();
  store_.Reopen();
  EXPECT_EQ(skipped(), std::pair(std::uint64_t{1}, std::uint64_t{1}));
}

TEST_F(ForgetterTest, NorDoesASelectionNameIt) {
  v1::ReplaySelection selection;
  selection.mutable_failed()->set_client("alice");
  store::Event started = events::ReplayStarted(1);
  started.mutable_replay_started()->set_selection(selection.SerializeAsString());
  store_.Record({started, events::ReplayPinned("bob", room_, {RunOf(4, 4)})});
  Forget();
  store_.FoldNow();
  EXPECT_THAT(store_.Differences(), IsEmpty());
  store_.Reopen();
  EraseAll();
}

TEST_F(ForgetterTest, ForgottenTwiceItIsWholeInBetween) {
  Forget();
  store_.FoldNow();
  DropRows();
  store_.Subscribe("alice", "room");
  Forget();
  store_.FoldNow();
  EXPECT_THAT(store_.Differences(), IsEmpty());
  store_.Reopen();
  EraseAll();
}

// A plan that was made before, and is started now.
TEST_F(ForgetterTest, AReplayBringsNoNameBack) {
  Forget();
  std::vector<Work> works;
  works.push_back(TestStore::JournalWorkOf({events::ReplayStarted(2),
                                            events::ReplayPinned("bob", room_, {RunOf(4, 4)}),
                                            events::ReplayPinned("alice", room_, {RunOf(4, 4)})}));
  EXPECT_EQ(store_.Commit(works), nullptr);
  const Status refused = std::get<JournalWork>(works[0]).outcome.status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("alice"));
}

TEST_F(ForgetterTest, NorDoesAnOutcomeInTheSameCommit) {
  store_.Record({events::ReplayStarted(1), events::ReplayPinned("alice", room_, {RunOf(4, 4)})});
  const ReplayId replay = store_.derived().Read(
      [](const DerivedView& view) { return view.replays.all().begin()->first; });
  std::vector<Work> works;
  works.push_back(
      TestStore::JournalWorkOf({events::Unsubscribed("alice", room_), events::Forgotten("alice")}));
  works.push_back(TestStore::JournalWorkOf(
      {events::ReplayOutcome(replay, "alice", room_, RunOf(4, 4), store::ReplayOutcome::ACKED)}));
  EXPECT_EQ(store_.Commit(works)->record.events_size(), 2);
  store_.FoldNow();
  EraseAll();
}

// What of the orders is lost with a record or row is told by the other.
class ForgetterRecovery : public ForgetterTest {
 protected:
  // In a record each.
  void ForgetStepwise() {
    store_.Record({events::Unsubscribed("alice", room_)});
    store_.Record({events::Forgotten("alice")});
    forgotten_in_ = store_.derived().last_number();
    store_.Publish("room", "six");
    store_.FoldNow();
  }
  void ExpectForgottenOnceRecovered() {
    store_.Recover();
    ExpectNoClient();
    EXPECT_EQ(Names(), 0);
    EXPECT_THAT(store_.Differences(), IsEmpty());
  }

  JournalNumber forgotten_in_;
};

TEST_F(ForgetterRecovery, LeavesHerOut) {
  ForgetStepwise();
  store_.Erase(Family::kLog, keys::Log({2}));
  ExpectForgottenOnceRecovered();
}

TEST_F(ForgetterRecovery, LeavesHerOutWithoutTheEvent) {
  ForgetStepwise();
  store_.Erase(Family::kJournal, keys::Journal(forgotten_in_));
  ExpectForgottenOnceRecovered();
}

TEST_F(ForgetterRecovery, LeavesHerOutWithoutTheRow) {
  ForgetStepwise();
  store_.Erase(Family::kMeta, Forgetter::KeyOf(EventId::Of(forgotten_in_, 0)));
  store_.Erase(Family::kLog, keys::Log({2}));
  ExpectForgottenOnceRecovered();
}

TEST_F(ForgetterRecovery, LeavesHerOutWithoutTheEndOfHerSubscription) {
  ForgetStepwise();
  store_.Erase(Family::kJournal, keys::Journal({forgotten_in_.value - 1}));
  ExpectForgottenOnceRecovered();
}

TEST_F(ForgetterRecovery, KeepsHerWhenSheCameBack) {
  ForgetStepwise();
  store_.Subscribe("alice", "room");
  store_.Publish("room", "seven");
  store_.FoldNow();
  store_.Erase(Family::kJournal, keys::Journal(forgotten_in_));
  store_.Recover();
  EXPECT_TRUE(store_.ledger().Client("alice")->known);
  EXPECT_EQ(store_.Entry("alice", "room").start(), Seq{7});
  EXPECT_EQ(store_.totals().clients, 2U);
  EXPECT_THAT(store_.Differences(), IsEmpty());
}

}  // namespace
}  // namespace ackwire
