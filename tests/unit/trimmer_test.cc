// The journal is trimmed step by step: whatever is read, folded again or verified between two of
// them.
#include "store/trimmer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/failure_reader.h"
#include "store/journal_reader.h"
#include "store/record.h"
#include "tests/unit/trimmer_fixture.h"

namespace ackwire {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(TrimmerTest, WhatIsReadStaysAndTheLogIsWhole) {
  store_.Ack("alice", "room", RunOf(1, 2));
  store_.Record({events::Abandoned("bob", room_, RunOf(1, 1))});
  store_.Record({events::Paused("bob", "ticket 5")});
  GrowOld();
  Newest();
  GrowOld();
  const std::string before = store_.Describe();
  EXPECT_EQ(Trim().records, 6U);
  EXPECT_THAT(Journal(), ElementsAre(7, 8));
  EXPECT_EQ(store_.Describe(), before);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
  EXPECT_EQ(store_.Describe(), before);
  store_.Ack("alice", "room", RunOf(4, 4));
  store_.Publish("room", "seven");
  store_.Record({events::Resumed("bob")});
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << "not folded";
  store_.FoldNow();
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << "folded";
  EXPECT_EQ(store_.totals().undelivered, store_.CountTotals().undelivered);
}

TEST_F(TrimmerTest, OneTrimmingGoesOnFromTheOther) {
  for (int round = 0; round < 5; ++round) {
    store_.Ack("alice", "room",
               {{store_.Entry("alice", "room").floor().value + 1}, store_.Info("room").last});
    store_.Subscribe("client-" + std::to_string(round), "room/" + std::to_string(round));
    store_.Publish("room", "more");
    store_.Publish("room/" + std::to_string(round), "more");
    TrimAll();
    EXPECT_THAT(Journal(), SizeIs(2));
    EXPECT_THAT(DifferencesAndOpen(), IsEmpty()) << round;
  }
}

TEST_F(TrimmerTest, WhatIsNotFoldedOrHandedOverStays) {
  Newest();
  store_.clock().Advance(2 * kAge);
  EXPECT_EQ(Trim().records, 0U) << "not folded";
  store_.FoldNow();
  EXPECT_EQ(Trim().records, 0U) << "not handed over";
  GrowOld();
  EXPECT_GT(Trim().records, 0U);
}

TEST_F(TrimmerTest, ARecordGoesOnceTheNextIsOldEnough) {
  GrowOld();
  Newest(1);
  Newest();
  store_.FoldNow();
  const OutboxPoint end{store_.derived().last_position(), store_.derived().last_number()};
  ASSERT_TRUE(OutboxRows(store_.database(), store_.log()).Trim(end).ok());
  EXPECT_EQ(Trim().records, 1U) << "the second of two is the newest of what was before";
  EXPECT_EQ(Journal().front(), 2U);
}

TEST_F(TrimmerTest, AttemptsOfWhatIsTriedAgainStay) {
  store_.Record({events::Failed("alice", room_, RunOf(2, 2))});
  const std::uint64_t failed = store_.derived().last_number().value;
  GrowOld();
  Newest();
  GrowOld();
  EXPECT_THAT(Trim().held_by, HasSubstr("client alice, channel room, seq 2"));
  EXPECT_EQ(Journal().front(), failed);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
  store_.Ack("alice", "room", RunOf(2, 2));
  GrowOld();
  EXPECT_EQ(Trim().held_by, "");
  EXPECT_THAT(Journal(), SizeIs(2));
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, WhatIsParkedKeepsItsAttemptsAndItsRecord) {
  store_.Record({events::Failed("alice", room_, RunOf(1, 2))});
  const std::uint64_t failed = store_.derived().last_number().value;
  store_.Park("alice", "room", {2});
  store_.Ack("alice", "room", RunOf(1, 1));
  GrowOld();
  Newest();
  GrowOld();
  EXPECT_THAT(Trim().held_by, HasSubstr("seq 2, which is parked"));
  EXPECT_EQ(Journal().front(), failed);
  store_.Record({events::Dismissed("alice", room_, {{2}})});
  GrowOld();
  Newest();
  GrowOld();
  EXPECT_EQ(Trim().held_by, "");
  EXPECT_THAT(Journal(), SizeIs(2));
  EXPECT_THAT(RowsOf(Family::kFailures), IsEmpty());
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, AReplayThatGoesOnKeepsItsRecords) {
  store_.Record({events::ReplayStarted(1), events::ReplayPinned("bob", room_, {RunOf(4, 4)})});
  const std::uint64_t started = store_.derived().last_number().value;
  GrowOld();
  Newest();
  GrowOld();
  EXPECT_THAT(Trim().held_by, HasSubstr("a replay that has not ended"));
  EXPECT_EQ(Journal().front(), started);
  const ReplayId replay = store_.derived().Read(
      [](const DerivedView& view) { return view.replays.all().begin()->first; });
  store_.Record(
      {events::ReplayOutcome(replay, "bob", room_, RunOf(4, 4), store::ReplayOutcome::ACKED)});
  TrimAll();
  EXPECT_THAT(Journal(), SizeIs(2));
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, RowsThatListWhatWentGoWithIt) {
  store_.Record({events::Failed("alice", room_, RunOf(1, 3))});
  store_.Ack("alice", "room", RunOf(1, 3));
  store_.Unsubscribe("bob", "room");
  store_.FoldNow();
  EXPECT_GT(RowsOf(Family::kFailures).size(), 5U);
  EXPECT_THAT(RowsOf(Family::kHistory), SizeIs(1));
  TrimAll();
  EXPECT_THAT(RowsOf(Family::kFailures), IsEmpty());
  EXPECT_THAT(RowsOf(Family::kHistory), IsEmpty());
  const FailureReader failures(store_.database(), store_.derived());
  EXPECT_THAT(failures.List({}, {.limit = 10})->failures, IsEmpty());
  EXPECT_FALSE(store_.ledger().AckOf("alice", room_, {2})->has_value());
}

// A replay of a range leaves out what was acknowledged.
TEST_F(TrimmerTest, WhatIsSettledWithoutARecordCountsAsAcknowledged) {
  store_.Ack("alice", "room", RunOf(1, 2));
  TrimAll();
  store_.Record({events::Abandoned("alice", room_, RunOf(3, 3))});
  store_.Ack("alice", "room", RunOf(4, 4));
  store_.Park("alice", "room", {5});
  const SeqRuns acked = store_.ledger().AckedOf("alice", room_, RunOf(1, 6)).value();
  EXPECT_THAT(acked.runs(), ElementsAre(RunOf(1, 2), RunOf(4, 4)));
}

TEST_F(TrimmerTest, ALaterAcknowledgementOfTheSameSeqKeepsItsRow) {
  store_.Ack("alice", "room", RunOf(3, 3));
  store_.Unsubscribe("alice", "room");
  GrowOld();
  store_.Subscribe("alice", "room", {.kind = StartAt::Kind::kFirst});
  store_.Ack("alice", "room", RunOf(3, 3));
  store_.FoldNow();
  Newest();
  store_.FoldNow();
  const OutboxPoint end{store_.derived().last_position(), store_.derived().last_number()};
  ASSERT_TRUE(OutboxRows(store_.database(), store_.log()).Trim(end).ok());
  EXPECT_GT(Trim().records, 0U);
  EXPECT_TRUE(store_.ledger().AckOf("alice", room_, {3})->has_value());
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

// As a kill between the base and the rest leaves it.
TEST_F(TrimmerTest, WhatATrimmingLeftCountsForNothingAndGoesWithTheNext) {
  store_.Record({events::Failed("alice", room_, RunOf(1, 3))});
  store_.Ack("alice", "room", RunOf(1, 3));
  GrowOld();
  Newest();
  GrowOld();
  std::map<Family, std::map<std::string, std::string>> before;
  for (const Family family : {Family::kJournal, Family::kFailures, Family::kHistory}) {
    before[family] = RowsOf(family);
  }
  ASSERT_GT(Trim().records, 0U);
  for (const auto& [family, rows] : before) {
    for (const auto& [key, value] : rows) store_.Overwrite(family, key, value);
  }
  EXPECT_EQ(Journal().front(), 1U);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
  EXPECT_GT(Trim().records, 0U);
  EXPECT_THAT(Journal(), SizeIs(2));
  EXPECT_THAT(RowsOf(Family::kFailures), IsEmpty());
  EXPECT_THAT(RowsOf(Family::kHistory), IsEmpty());
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, BytesTakeTheOldestAndNoMoreThanNeeded) {
  for (int i = 0; i < 2000; ++i) {
    store_.Record({events::SessionOpened("client-" + std::to_string(i % 10))});
  }
  store_.FoldNow();
  ASSERT_TRUE(store_.database().Flush().ok());
  const OutboxPoint end{store_.derived().last_position(), store_.derived().last_number()};
  ASSERT_TRUE(OutboxRows(store_.database(), store_.log()).Trim(end).ok());
  EXPECT_EQ(Trim({.age = {}, .bytes = 1ULL << 30U}).records, 0U);
  const Trimmed trimmed = Trim({.age = {}, .bytes = 16'000});
  EXPECT_GT(trimmed.records, 0U);
  EXPECT_LT(trimmed.records, 2000U);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, ADamagedRecordIsNamedAndStays) {
  store_.Ack("alice", "room", RunOf(1, 1));
  GrowOld();
  Newest();
  GrowOld();
  store_.Overwrite(Family::kJournal, keys::Journal({2}), "garbage");
  Trimmer trimmer({store_.database(), store_.derived(), store_.ledger()},
                  {.age = kAge, .bytes = {}});
  EXPECT_EQ(trimmer.Step(store_.clock().Now()).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Journal().front(), 1U);
}

// What the row lacks is in the records.
TEST_F(TrimmerTest, NothingGoesOnceARowOfTheBaseIsDamaged) {
  TrimAll();
  store_.Overwrite(Family::kBaseLedger, keys::Ledger("alice", room_), "garbage");
  store_.Ack("alice", "room", RunOf(1, 1));
  const std::vector<std::uint64_t> before = Journal();
  GrowOld();
  Newest();
  GrowOld();
  Trimmer trimmer({store_.database(), store_.derived(), store_.ledger()},
                  {.age = kAge, .bytes = {}});
  EXPECT_EQ(trimmer.Step(store_.clock().Now()).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(Journal().front(), before.front());
}

TEST_F(TrimmerTest, ADamagedRowOfTheBaseIsADifference) {
  TrimAll();
  store_.Overwrite(Family::kBaseLedger, keys::Ledger("alice", room_), "garbage");
  EXPECT_THAT(store_.Differences(), ElementsAre(HasSubstr("a row of the base's ledger")));
}

TEST_F(TrimmerTest, OneThatLacksAChannelIsADifferenceAndNoStartForARecovery) {
  store_.Publish("hall", "hello");
  TrimAll();
  store_.Erase(Family::kBaseChannels, "room");
  EXPECT_THAT(store_.Differences(), Contains(HasSubstr("base")));
  store_.Reopen();
  store_.Recover();
  EXPECT_TRUE(store_.Entry("alice", "room").subscribed());
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, ABaseThatSaysSomethingElseIsADifference) {
  TrimAll();
  LedgerEntry other({1}, FromUnixMs(1));
  store_.Overwrite(Family::kBaseLedger, keys::Ledger("alice", room_), record::Seal(other.ToRow()));
  EXPECT_THAT(store_.Differences(), ElementsAre(HasSubstr("ledger: client alice")));
}

// RocksDB's list of files was cut off, say, between two families.
TEST_F(TrimmerTest, RowsOfDifferentMomentsAreADifferenceAndNoStartForARecovery) {
  store_.Record({events::Failed("alice", room_, RunOf(1, 1))});
  TrimAll();
  std::map<Family, std::map<std::string, std::string>> earlier;
  for (const Family family : {Family::kBaseLedger, Family::kBaseMembers, Family::kBaseParked,
                              Family::kBaseChannels, Family::kBaseMeta}) {
    earlier[family] = RowsOf(family);
  }
  store_.Ack("alice", "room", RunOf(1, 2));
  store_.Subscribe("dave", "room");
  TrimAll();
  store_.Park("bob", "room", {3});
  store_.FoldNow();
  for (const auto& [family, rows] : earlier) {
    SCOPED_TRACE(NameOf(family));
    const auto now = RowsOf(family);
    if (rows == now) continue;
    for (const auto& [key, value] : now) store_.Erase(family, key);
    for (const auto& [key, value] : rows) store_.Overwrite(family, key, value);
    EXPECT_THAT(store_.Differences(), Contains(HasSubstr("base: : ")));
    store_.Reopen();
    for (const auto& [key, value] : rows) store_.Erase(family, key);
    for (const auto& [key, value] : now) store_.Overwrite(family, key, value);
  }
  for (const auto& [key, value] : earlier[Family::kBaseLedger]) {
    store_.Overwrite(Family::kBaseLedger, key, value);
  }
  store_.Recover();
  EXPECT_EQ(store_.Entry("alice", "room").floor(), Seq{2}) << "as the ledger has it";
  EXPECT_TRUE(store_.Entry("dave", "room").subscribed());
  EXPECT_EQ(store_.Entry("bob", "room").parked(), 1U);
  EXPECT_EQ(store_.totals().undelivered, store_.CountTotals().undelivered);
  EXPECT_THAT(DifferencesAndOpen(), IsEmpty());
}

TEST_F(TrimmerTest, APlaceInTheJournalIsKnownFromItsFirstRecordOn) {
  store_.Ack("alice", "room", RunOf(1, 2));
  store_.Park("bob", "room", {3});
  const auto beginning = [&](const std::string& client) {
    return JournalReader(store_.database(), store_.derived()).BeginningOf(client).value();
  };
  EXPECT_EQ(beginning("alice").first, JournalNumber{1});
  EXPECT_FALSE(beginning("alice").known_from);
  store_.Record({events::Acked("bob", room_, {}, {{3}})});
  GrowOld();
  const Timestamp kept_from = store_.clock().Now();
  Newest();
  GrowOld();
  ASSERT_GT(Trim().records, 0U);
  EXPECT_EQ(beginning("alice").known_from, kept_from);
  EXPECT_EQ(beginning("alice").first.value, Journal().front());
  ASSERT_THAT(beginning("alice").entries, SizeIs(1));
  EXPECT_EQ(beginning("alice").entries[0].entry.floor(), Seq{2});
  EXPECT_TRUE(beginning("alice").state.known);
  EXPECT_FALSE(beginning("nobody").state.known);
}

}  // namespace
}  // namespace ackwire
