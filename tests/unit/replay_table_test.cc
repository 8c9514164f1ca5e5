#include "store/replay_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ackwire/v1/deliveries.pb.h"
#include "tests/unit/channel_ids.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using store::ReplayOutcome;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ReplayId kReplay{77};

class ReplayTableTest : public testing::Test {
 protected:
  ReplayTableTest() {
    Apply(events::ReplayStarted(12, kReplay));
    Apply(events::ReplayPinned("alice", kRoomId, {{{1}, {5}}, {{9}, {9}}}, kReplay));
    Apply(events::ReplayPinned("bob", kHallId, {{{3}, {8}}}, kReplay));
  }

  void Apply(const store::Event& event) {
    table_.Apply(EventId{++last_}, event);
    const ReplayInfo& replay = Replay();
    std::uint64_t open = 0;
    std::size_t runs = 0;
    for (const auto& [pair, each] : table_.OpenOf(kReplay)) {
      open += each.count();
      runs += each.runs().size();
    }
    EXPECT_EQ(table_.open_runs(), runs);
    if (last_ >= 3 && !replay.cancelled) {
      EXPECT_EQ(replay.acked + replay.failed + replay.skipped_total() + open, 12U);
    }
  }
  [[nodiscard]] const ReplayInfo& Replay() const { return *table_.Find(kReplay); }
  [[nodiscard]] std::vector<SeqRun> Open(const std::string& client, ChannelId channel) const {
    const auto& open = table_.OpenOf(kReplay);
    const auto found = open.find({client, channel});
    return found == open.end() ? std::vector<SeqRun>() : found->second.runs();
  }

  ReplayTable table_;
  std::uint64_t last_ = 0;
};

TEST_F(ReplayTableTest, HasOpenWhatWasPinned) {
  EXPECT_THAT(Open("alice", kRoomId), ElementsAre(SeqRun{{1}, {5}}, SeqRun{{9}, {9}}));
  EXPECT_THAT(Open("bob", kHallId), ElementsAre(SeqRun{{3}, {8}}));
  EXPECT_EQ(Replay().open(), 12U);
  EXPECT_EQ(Replay().started.note(), "incident 7");
  EXPECT_EQ(Replay().rate_per_second, 100U);
}

TEST_F(ReplayTableTest, CountsWhatBecameOfIt) {
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{2}, {3}}, ReplayOutcome::ACKED));
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{9}, {9}}, ReplayOutcome::FAILED));
  Apply(events::ReplayOutcome(kReplay, "bob", kHallId, {{3}, {3}}, ReplayOutcome::SKIPPED));
  EXPECT_EQ(Replay().acked, 2U);
  EXPECT_EQ(Replay().failed, 1U);
  EXPECT_THAT(Replay().skipped, ElementsAre(testing::Pair(ReplayInfo::Skip(10, 0), 1U)));
  EXPECT_THAT(Open("alice", kRoomId), ElementsAre(SeqRun{{1}, {1}}, SeqRun{{4}, {5}}));
  EXPECT_FALSE(Replay().ended_at);
}

TEST_F(ReplayTableTest, CountsNothingTwice) {
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{2}, {3}}, ReplayOutcome::ACKED));
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{3}, {4}}, ReplayOutcome::FAILED));
  Apply(events::ReplayOutcome(kReplay, "carol", kRoomId, {{1}, {9}}, ReplayOutcome::ACKED));
  Apply(events::ReplayOutcome(kReplay, "alice", kHallId, {{1}, {9}}, ReplayOutcome::ACKED));
  EXPECT_EQ(Replay().acked, 2U);
  EXPECT_EQ(Replay().failed, 1U);
}

TEST_F(ReplayTableTest, EndsWithTheLastOutcome) {
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{1}, {9}}, ReplayOutcome::ACKED));
  EXPECT_FALSE(Replay().ended_at);
  Apply(events::ReplayOutcome(kReplay, "bob", kHallId, {{1}, {9}}, ReplayOutcome::ACKED));
  EXPECT_EQ(Replay().acked, 12U);
  EXPECT_EQ(Replay().ended_at, FromUnixMs(2000));
}

TEST_F(ReplayTableTest, IsPausedAndGoesOnAndChangesItsRate) {
  Apply(events::ReplayControlled(kReplay, v1::ControlReplayRequest::PAUSE));
  EXPECT_TRUE(Replay().paused);
  Apply(events::ReplayControlled(kReplay, v1::ControlReplayRequest::SET_RATE, 7));
  Apply(events::ReplayControlled(kReplay, v1::ControlReplayRequest::RESUME));
  EXPECT_FALSE(Replay().paused);
  EXPECT_EQ(Replay().rate_per_second, 7U);
}

TEST_F(ReplayTableTest, HasNothingOpenOnceItIsCancelled) {
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{1}, {1}}, ReplayOutcome::ACKED));
  Apply(events::ReplayControlled(kReplay, v1::ControlReplayRequest::CANCEL));
  EXPECT_THAT(table_.OpenOf(kReplay), IsEmpty());
  EXPECT_EQ(Replay().open(), 11U);
  EXPECT_EQ(Replay().ended_at, FromUnixMs(3000));
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{2}, {2}}, ReplayOutcome::ACKED));
  EXPECT_EQ(Replay().acked, 1U) << "what was in flight then is no delivery of it any more";
}

TEST_F(ReplayTableTest, KnowsNoReplayWhoseStartIsLost) {
  table_.Apply(EventId{++last_}, events::ReplayPinned("alice", kRoomId, {{{1}, {2}}}, {5}));
  table_.Apply(EventId{++last_},
               events::ReplayOutcome({5}, "alice", kRoomId, {{1}, {2}}, ReplayOutcome::ACKED));
  EXPECT_EQ(table_.Find({5}), nullptr);
  EXPECT_THAT(table_.OpenOf({5}), IsEmpty());
}

TEST_F(ReplayTableTest, TellsWhatChanged) {
  (void)table_.TakeChanges();
  Apply(events::ReplayOutcome(kReplay, "alice", kRoomId, {{1}, {9}}, ReplayOutcome::ACKED));
  const ReplayTable::Changes changes = table_.TakeChanges();
  ASSERT_EQ(changes.replays.size(), 1U);
  EXPECT_EQ(changes.replays.front().acked, 6U);
  ASSERT_EQ(changes.open.at(kReplay).size(), 1U);
  EXPECT_TRUE(changes.open.at(kReplay).at({"alice", kRoomId}).empty());
  EXPECT_THAT(table_.TakeChanges().replays, IsEmpty());
}

// A replay of two parked deliveries and one that was abandoned.
class StoredReplayTest : public testing::Test {
 protected:
  StoredReplayTest() {
    store_.Subscribe("alice", "room/1");
    for (int i = 1; i <= 5; ++i) store_.Publish("room/1", std::to_string(i));
    const ChannelId room = store_.IdOf("room/1");
    store_.Ack("alice", "room/1", {{1}, {1}});
    store_.Park("alice", "room/1", {2});
    store_.Park("alice", "room/1", {3});
    store_.Record({events::Abandoned("alice", room, {{4}, {4}})});
    std::vector<Work> works = {
        TestStore::JournalWorkOf({events::SessionOpened("alice"), events::ReplayStarted(3),
                                  events::ReplayPinned("alice", room, {{{2}, {4}}})})};
    (void)store_.Commit(works);
    replay_ = std::get<JournalWork>(works.front()).outcome.value().replay;
  }

  void Settle(SeqRun run) {
    const ChannelId room = store_.IdOf("room/1");
    store_.Record({events::AckedInReplay(replay_, "alice", room, run),
                   events::ReplayOutcome(replay_, "alice", room, run, ReplayOutcome::ACKED)});
  }
  [[nodiscard]] ReplayInfo Replay() {
    return store_.derived().Read(
        [this](const DerivedView& view) { return *view.replays.Find(replay_); });
  }
  void ExpectUnchangedBy(const std::function<void()>& stop) {
    const std::string before = store_.Describe();
    stop();
    EXPECT_EQ(store_.Describe(), before);
  }
  void ExpectVerified() {
    for (const std::string& each : store_.Differences()) ADD_FAILURE() << each;
  }

  TestStore store_;
  ReplayId replay_;
};

TEST_F(StoredReplayTest, IsNumberedByTheEventThatStartsIt) {
  EXPECT_EQ(EventId{replay_.value}.index(), 1U);
  EXPECT_EQ(Replay().as_of, EventId{replay_.value + 1});
}

TEST_F(StoredReplayTest, UnparksWhatIsParkedAndNothingElse) {
  EXPECT_EQ(store_.totals().parked, 2U);
  Settle({{2}, {4}});
  EXPECT_EQ(store_.totals().parked, 0U);
  EXPECT_EQ(store_.Entry("alice", "room/1").parked(), 0U);
  EXPECT_THAT(store_.ledger().ParkedSeqs("alice", store_.IdOf("room/1")).value(), IsEmpty());
  Settle({{2}, {4}});  // handed over twice
  EXPECT_EQ(store_.totals().parked, 0U);
  EXPECT_EQ(Replay().acked, 3U);
  EXPECT_TRUE(Replay().ended_at);
}

TEST_F(StoredReplayTest, UnparksNothingThatTheSameCommitDismisses) {
  const ChannelId room = store_.IdOf("room/1");
  store_.Record({events::Dismissed("alice", room, {{2}}),
                 events::AckedInReplay(replay_, "alice", room, {{2}, {3}})});
  EXPECT_EQ(store_.totals().parked, 0U);
  EXPECT_EQ(store_.Entry("alice", "room/1").parked(), 0U);
}

TEST_F(StoredReplayTest, UnparksOnceWhatTwoReplaysDelivered) {
  const ChannelId room = store_.IdOf("room/1");
  store::Event both = events::AckedInReplay(replay_, "alice", room, {{2}, {2}});
  const store::Event other = events::AckedInReplay({replay_.value + 7}, "alice", room, {{2}, {2}});
  *both.mutable_acked()->add_channels() = other.acked().channels(0);
  store_.Record({both});
  EXPECT_EQ(store_.totals().parked, 1U);
  EXPECT_EQ(store_.Entry("alice", "room/1").parked(), 1U);
}

TEST_F(StoredReplayTest, IsTheAcknowledgementOfWhatItDelivered) {
  Settle({{2}, {4}});
  for (const Seq seq : {Seq{2}, Seq{3}, Seq{4}}) {
    const auto acked = store_.ledger().AckOf("alice", store_.IdOf("room/1"), seq);
    ASSERT_TRUE(acked.ok() && acked->has_value()) << seq.value;
    EXPECT_EQ((*acked)->event.acked().channels(0).replay(), replay_.value);
  }
  const auto acked = store_.ledger().AckedOf("alice", store_.IdOf("room/1"), {{1}, {5}});
  EXPECT_THAT(acked.value().runs(), ElementsAre(SeqRun{{1}, {4}}));
}

TEST_F(StoredReplayTest, IsTheSameHoweverTheStoreStops) {
  ExpectUnchangedBy([this] { store_.Reopen(); });
  ExpectUnchangedBy([this] { store_.CrashBeforeCheckpoint(); });
  Settle({{3}, {3}});
  ExpectUnchangedBy([this] { store_.FoldNow(); });
  ExpectUnchangedBy([this] { store_.Reopen(); });
  Settle({{2}, {2}});
  ExpectUnchangedBy([this] { store_.CrashBeforeCheckpoint(); });
  Settle({{4}, {4}});
  ExpectUnchangedBy([this] { store_.FoldNow(); });
  ExpectUnchangedBy([this] { store_.Reopen(); });
  EXPECT_EQ(Replay().acked, 3U);
}

TEST_F(StoredReplayTest, IsVerified) {
  store_.FoldNow();
  Settle({{3}, {3}});
  store_.FoldNow();
  ExpectVerified();
}

TEST_F(StoredReplayTest, IsVerifiedOnceItHasEnded) {
  store_.FoldNow();
  Settle({{2}, {4}});
  store_.FoldNow();
  ExpectVerified();
}

}  // namespace
}  // namespace ackwire
