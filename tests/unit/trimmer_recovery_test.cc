// What becomes of a trimmed journal, and of its base, when a client is forgotten or the log is
// recovered.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ackwire/v1/deliveries.pb.h"
#include "tests/unit/trimmer_fixture.h"

namespace ackwire {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST_F(TrimmerTest, AClientThatIsForgottenLeavesTheBase) {
  store_.Record({events::ReplayStarted(1), events::ReplayPinned("bob", room_, {RunOf(4, 4)})});
  store_.Ack("alice", "room", RunOf(1, 2));
  const ReplayId replay = store_.derived().Read(
      [](const DerivedView& view) { return view.replays.all().begin()->first; });
  store_.Record(
      {events::ReplayOutcome(replay, "bob", room_, RunOf(4, 4), store::ReplayOutcome::ACKED)});
  TrimAll();
  EXPECT_GT(NamesIn(Family::kBaseLedger), 0);
  Forget();
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << "not folded";
  store_.FoldNow();
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << "folded";
  GrowOld();
  EXPECT_EQ(Trim().records, 0U) << "not meanwhile";
  DropRows();
  EXPECT_EQ(NamesIn(Family::kBaseLedger), 0);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << "dropped";
  EraseJournal();
  ExpectNoNames();
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << "erased";
  TrimAll();
  ExpectNoNames();
  EXPECT_EQ(store_.totals().clients, store_.CountTotals().clients);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << "trimmed again";
}

TEST_F(TrimmerTest, OneThatWasForgottenBeforeTheBaseMayHaveComeBack) {
  Forget();
  store_.FoldNow();
  store_.Subscribe("alice", "room");
  store_.Publish("room", "seven");
  GrowOld();
  // The base gets ahead of the forgetting, and has both.
  DropRows();
  EraseJournal();
  TrimAll();
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
  EXPECT_EQ(store_.Entry("alice", "room").start(), Seq{7});
  ForgetForGood();
}

TEST_F(TrimmerTest, OfReplaysItKeepsItsPartUnderAnotherName) {
  v1::ReplaySelection selection;
  selection.mutable_failed()->set_client("alice");
  store::Event started = events::ReplayStarted(1);
  started.mutable_replay_started()->set_selection(selection.SerializeAsString());
  store_.Record({started, events::ReplayPinned("alice", room_, {RunOf(4, 4)})});
  const ReplayId replay = store_.derived().Read(
      [](const DerivedView& view) { return view.replays.all().begin()->first; });
  store_.Record({events::ReplayControlled(replay, v1::ControlReplayRequest::CANCEL)});
  TrimAll();
  EXPECT_GT(NamesIn(Family::kBaseReplays), 0) << "in the selection";
  ForgetForGood();
}

TEST_F(TrimmerTest, ARecoveryStartsFromABaseThatIsWhole) {
  store_.Ack("alice", "room", RunOf(1, 2));
  TrimAll();
  store_.Ack("bob", "room", RunOf(1, 1));
  store_.FoldNow();
  const std::uint64_t first = Journal().front();
  store_.Erase(Family::kLog, keys::Log({5}));
  store_.Recover();
  EXPECT_EQ(Journal().front(), first);
  EXPECT_EQ(store_.Entry("alice", "room").floor(), Seq{2});
  EXPECT_EQ(store_.Entry("bob", "room").floor(), Seq{1});
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
  TrimAll();
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, ARecoveryLeavesTheForgottenOutOfTheBase) {
  store_.Ack("alice", "room", RunOf(1, 2));
  TrimAll();
  Forget();
  store_.FoldNow();
  store_.Erase(Family::kLog, keys::Log({5}));
  store_.Recover();
  ExpectNoNames();
  EXPECT_FALSE(store_.ledger().Client("alice")->known);
  EXPECT_EQ(store_.totals().clients, store_.CountTotals().clients);
  EXPECT_EQ(store_.totals().undelivered, store_.CountTotals().undelivered);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, WithoutABaseARecoveryAsksTheLedger) {
  store_.Ack("alice", "room", RunOf(1, 2));
  TrimAll();
  store_.Park("bob", "room", {3});
  store_.FoldNow();
  const std::uint64_t first = Journal().front();
  store_.Overwrite(Family::kBaseLedger, keys::Ledger("alice", room_), "garbage");
  store_.Recover();
  EXPECT_EQ(Journal().front(), first) << "what is lost takes no room";
  EXPECT_EQ(store_.Entry("alice", "room").floor(), Seq{2});
  EXPECT_TRUE(store_.Entry("bob", "room").subscribed());
  EXPECT_EQ(store_.Entry("bob", "room").parked(), 1U);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

// It was made by a subscription, and nothing was published there.
TEST_F(TrimmerTest, WithoutABaseARecoveryNeedNotKnowOfAChannelYet) {
  store_.Subscribe("alice", "silent");
  store_.Publish("hall", "hello");
  TrimAll();
  store_.Subscribe("bob", "silent");
  store_.FoldNow();
  store_.Overwrite(Family::kBaseLedger, keys::Ledger("alice", room_), "garbage");
  store_.Recover();
  EXPECT_TRUE(store_.Entry("bob", "silent").subscribed());
  EXPECT_TRUE(store_.Entry("alice", "silent").subscribed()) << "as the ledger has it";
  EXPECT_EQ(store_.Info("hall").last, Seq{1});
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

// A commit that makes a channel by a subscription, and a later one by a message: between the two
// the first has no name.
TEST_F(TrimmerTest, ABaseMayEndInTheMiddleOfACommit) {
  GrowOld();
  std::vector<Work> works = {TestStore::SubscribeWorkOf({{"alice", "silent", {}}})};
  for (std::uint64_t i = 0; i < 4; ++i) {
    works.push_back(TestStore::PublishWorkOf("hall", "hello " + std::to_string(i)));
  }
  (void)store_.Commit(works);
  GrowOld();
  Newest();
  GrowOld();
  for (bool more = true; more;) {
    Trimmer trimmer({store_.database(), store_.derived(), store_.ledger()},
                    {.age = kAge, .bytes = {}}, 1);
    const StatusOr<Trimmed> step = trimmer.Step(store_.clock().Now());
    ASSERT_TRUE(step.ok()) << step.status();
    more = step->more;
    EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
  }
  EXPECT_THAT(Journal(), SizeIs(2));
  EXPECT_TRUE(store_.Entry("alice", "silent").subscribed());
}

TEST_F(TrimmerTest, ABaseOfMoreThanIsLeftOfTheLogIsNotUsed) {
  store_.Ack("alice", "room", RunOf(1, 6));
  TrimAll();
  for (const std::uint64_t lost : {4, 5, 6}) store_.Erase(Family::kLog, keys::Log({lost}));
  store_.Erase(Family::kIndex, *store_.IndexKeyOf(room_, {6}));
  store_.Recover();
  EXPECT_TRUE(store_.Entry("alice", "room").subscribed());
  EXPECT_LE(store_.Entry("alice", "room").floor(), store_.Info("room").last);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

}  // namespace
}  // namespace ackwire
