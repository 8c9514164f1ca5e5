#include "store/ledger_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "store/records.pb.h"
#include "store/rng.h"
#include "tests/unit/ledger_events.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ChannelId kChannel{4};

// An entry and the events folded into it, numbered as a journal would.
class Folded {
 public:
  explicit Folded(Seq start = {1}) { Fold(events::Subscribed("alice", kChannel, start)); }

  void Fold(const store::Event& event) { entry.Fold(EventId{++last_event}, event, kChannel); }

  LedgerEntry entry;
  std::uint64_t last_event = 0;
};

TEST(LedgerEntry, IsNotSubscribedAtFirst) {
  const LedgerEntry entry;
  EXPECT_FALSE(entry.subscribed());
  EXPECT_EQ(entry.Undelivered({10}), 0U);
  EXPECT_TRUE(entry.UndeliveredRuns({10}).empty());
}

TEST(LedgerEntry, OwesFromItsStart) {
  const Folded alice({5});
  EXPECT_TRUE(alice.entry.subscribed());
  EXPECT_EQ(alice.entry.start(), Seq{5});
  EXPECT_EQ(alice.entry.floor(), Seq{4});
  EXPECT_EQ(alice.entry.created_at(), FromUnixMs(1000));
  EXPECT_EQ(alice.entry.Undelivered({4}), 0U);
  EXPECT_EQ(alice.entry.Undelivered({7}), 3U);
  EXPECT_EQ(alice.entry.FirstUnsettled({1}), Seq{5});
  EXPECT_TRUE(alice.entry.IsSettled({4}));
  EXPECT_FALSE(alice.entry.IsSettled({5}));
}

TEST(LedgerEntry, MovesTheFloorOverWhatIsAcknowledged) {
  Folded alice;
  alice.Fold(events::Acked("alice", kChannel, {RunOf(2, 3)}));
  EXPECT_EQ(alice.entry.floor(), Seq{0});
  EXPECT_THAT(alice.entry.settled().runs(), ElementsAre(RunOf(2, 3)));
  EXPECT_EQ(alice.entry.Undelivered({5}), 3U);
  EXPECT_THAT(alice.entry.UndeliveredRuns({5}).runs(), ElementsAre(RunOf(1, 1), RunOf(4, 5)));
  EXPECT_EQ(alice.entry.FirstUnsettled({2}), Seq{4});
  alice.Fold(events::Acked("alice", kChannel, {RunOf(1, 1)}));
  EXPECT_EQ(alice.entry.floor(), Seq{3});
  EXPECT_THAT(alice.entry.settled().runs(), IsEmpty());
}

TEST(LedgerEntry, SettlesOnlyItsOwnChannelsPartOfAnAcknowledgement) {
  Folded alice;
  store::Event event = events::Acked("alice", {9}, {RunOf(1, 5)});
  auto& part = *event.mutable_acked()->add_channels();
  part.set_channel(kChannel.value);
  events::SetRun(*part.add_runs(), RunOf(1, 2));
  alice.Fold(event);
  EXPECT_EQ(alice.entry.floor(), Seq{2});
}

TEST(LedgerEntry, KeepsARetryUntilItIsSettled) {
  Folded alice;
  alice.Fold(
      events::Failed("alice", kChannel, RunOf(2, 3), {.attempt = 1, .due = FromUnixMs(7000)}));
  alice.Fold(
      events::Failed("alice", kChannel, RunOf(2, 2),
                     {.attempt = 2, .counted = false, .due = FromUnixMs(8000), .reason = 3}));
  ASSERT_EQ(alice.entry.retries().size(), 2U);
  const Retry& second = alice.entry.retries().at({2});
  EXPECT_EQ(second.attempts, 2U);
  EXPECT_EQ(second.counted, 1U) << "an uncounted failure keeps the count";
  EXPECT_EQ(second.due, FromUnixMs(8000));
  EXPECT_EQ(second.reason, 3);
  EXPECT_EQ(alice.entry.Undelivered({3}), 3U) << "what failed is still owed";
  alice.Fold(events::Acked("alice", kChannel, {RunOf(1, 2)}));
  EXPECT_EQ(alice.entry.retries().size(), 1U);
  EXPECT_TRUE(alice.entry.retries().contains({3}));
}

TEST(LedgerEntry, IgnoresAFailureOfWhatIsSettled) {
  Folded alice;
  alice.Fold(events::Acked("alice", kChannel, {RunOf(1, 2)}));
  alice.Fold(events::Failed("alice", kChannel, RunOf(1, 3)));
  EXPECT_EQ(alice.entry.retries().size(), 1U);
  EXPECT_TRUE(alice.entry.retries().contains({3}));
}

TEST(LedgerEntry, SettlesWhatIsParkedAndCountsIt) {
  Folded alice;
  alice.Fold(events::Failed("alice", kChannel, RunOf(1, 1)));
  alice.Fold(events::Parked("alice", kChannel, {1}));
  EXPECT_EQ(alice.entry.floor(), Seq{1});
  EXPECT_EQ(alice.entry.parked(), 1U);
  EXPECT_TRUE(alice.entry.retries().empty());
  alice.Fold(events::Acked("alice", kChannel, {}, {{1}}));
  EXPECT_EQ(alice.entry.parked(), 0U);
}

TEST(LedgerEntry, SettlesWhatIsAbandoned) {
  Folded alice;
  alice.Fold(events::Abandoned("alice", kChannel, RunOf(1, 4)));
  EXPECT_EQ(alice.entry.floor(), Seq{4});
  EXPECT_EQ(alice.entry.parked(), 0U);
}

TEST(LedgerEntry, HasNoLongerParkedWhatIsDismissed) {
  Folded alice;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) alice.Fold(events::Parked("alice", kChannel, {seq}));
  alice.Fold(events::Dismissed("alice", kChannel, {{1}, {3}}));
  EXPECT_EQ(alice.entry.parked(), 1U);
  EXPECT_EQ(alice.entry.floor(), Seq{3});
  EXPECT_EQ(alice.entry.Undelivered({4}), 1U);
}

TEST(LedgerEntry, BeginsAnewAfterUnsubscribing) {
  Folded alice;
  alice.Fold(events::Parked("alice", kChannel, {1}));
  alice.Fold(events::Failed("alice", kChannel, RunOf(2, 2)));
  alice.Fold(events::Unsubscribed("alice", kChannel));
  EXPECT_FALSE(alice.entry.subscribed());
  EXPECT_EQ(alice.entry.as_of(), EventId{4}) << "its row must say as of when there is none";
  alice.Fold(events::Subscribed("alice", kChannel, {9}));
  EXPECT_EQ(alice.entry.floor(), Seq{8});
  EXPECT_EQ(alice.entry.parked(), 0U);
  EXPECT_TRUE(alice.entry.retries().empty());
}

TEST(LedgerEntry, TakesARunThatEndsBeforeItBeginsForNone) {
  Folded alice;
  alice.entry.Fail(RunOf(3, 9), {.attempts = 1});
  alice.entry.Settle(RunOf(8, 4));
  EXPECT_EQ(alice.entry.retries().size(), 7U);
  EXPECT_THAT(alice.entry.settled().runs(), IsEmpty());
}

TEST(LedgerEntry, FoldsAnEventOnce) {
  Folded alice;
  const std::vector<store::Event> history = {
      events::Failed("alice", kChannel, RunOf(1, 2)), events::Parked("alice", kChannel, {1}),
      events::Acked("alice", kChannel, {RunOf(3, 3)}),
      events::Failed("alice", kChannel, RunOf(2, 2)), events::Acked("alice", kChannel, {}, {{1}})};
  for (const store::Event& event : history) alice.Fold(event);
  const std::string once = alice.entry.ToRow().SerializeAsString();
  for (std::uint64_t id = 1; id <= alice.last_event; ++id) {
    const store::Event& event =
        id == 1 ? events::Subscribed("alice", kChannel, {1}) : history[id - 2];
    alice.entry.Fold(EventId{id}, event, kChannel);
  }
  EXPECT_EQ(alice.entry.ToRow().SerializeAsString(), once);
}

TEST(LedgerEntry, SurvivesItsRow) {
  Folded alice({3});
  alice.Fold(events::Acked("alice", kChannel, {RunOf(5, 6), RunOf(9, 9)}));
  alice.Fold(events::Failed("alice", kChannel, RunOf(7, 7), {.attempt = 3, .reason = 2}));
  alice.Fold(events::Parked("alice", kChannel, {8}));
  const store::LedgerRow row = alice.entry.ToRow();
  const LedgerEntry read = LedgerEntry::FromRow(row);
  EXPECT_EQ(read.ToRow().SerializeAsString(), row.SerializeAsString());
  EXPECT_EQ(read.start(), Seq{3});
  EXPECT_EQ(read.floor(), Seq{2});
  EXPECT_THAT(read.settled().runs(), ElementsAre(RunOf(5, 6), RunOf(8, 9)));
  EXPECT_EQ(read.retries().at({7}).attempts, 3U);
  EXPECT_EQ(read.parked(), 1U);
  EXPECT_EQ(read.as_of(), EventId{4});
}

// What an entry says, kept the plain way: one state for each delivery.
struct Model {
  enum class State { kOwed, kSettled, kParked };
  std::uint64_t start = 0;
  std::map<std::uint64_t, State> deliveries;  // those that are not owed
  std::map<std::uint64_t, std::uint32_t> failures;

  bool Settled(std::uint64_t seq) const { return seq < start || deliveries.contains(seq); }
  void Settle(std::uint64_t seq, State state) {
    deliveries[seq] = state;
    failures.erase(seq);
  }
};

void ExpectSame(const Model& model, const LedgerEntry& entry, std::uint64_t last) {
  std::uint64_t undelivered = 0;
  std::uint64_t parked = 0;
  std::uint64_t floor = model.start - 1;
  while (model.Settled(floor + 1) && floor < last) ++floor;
  for (std::uint64_t seq = 1; seq <= last; ++seq) {
    ASSERT_EQ(entry.IsSettled({seq}), model.Settled(seq)) << "seq " << seq;
    ASSERT_EQ(entry.UndeliveredRuns({last}).Contains({seq}), !model.Settled(seq)) << "seq " << seq;
    undelivered += model.Settled(seq) ? 0 : 1;
    const auto found = model.deliveries.find(seq);
    parked += found != model.deliveries.end() && found->second == Model::State::kParked ? 1 : 0;
    const auto retry = entry.retries().find({seq});
    ASSERT_EQ(retry != entry.retries().end(), model.failures.contains(seq)) << "seq " << seq;
    if (retry != entry.retries().end()) {
      ASSERT_EQ(retry->second.counted, model.failures.at(seq));
    }
  }
  ASSERT_EQ(entry.floor(), Seq{floor});
  ASSERT_EQ(entry.Undelivered({last}), undelivered);
  ASSERT_EQ(entry.parked(), parked);
}

// Brings about one random event in both.
void Step(Rng& rng, std::uint64_t last, Model& model, Folded& folded) {
  const std::uint64_t first = 1 + rng.Next() % last;
  const std::uint64_t end = std::min(last, first + rng.Next() % 5);
  switch (rng.Next() % 4) {
    case 0:
      folded.Fold(events::Acked("alice", kChannel, {RunOf(first, end)}));
      for (std::uint64_t seq = first; seq <= end; ++seq) {
        if (!model.Settled(seq)) model.Settle(seq, Model::State::kSettled);
      }
      break;
    case 1:
      folded.Fold(events::Failed("alice", kChannel, RunOf(first, end)));
      for (std::uint64_t seq = first; seq <= end; ++seq) {
        if (!model.Settled(seq)) ++model.failures[seq];
      }
      break;
    case 2:
      if (model.Settled(first)) break;
      folded.Fold(events::Parked("alice", kChannel, {first}));
      model.Settle(first, Model::State::kParked);
      break;
    default: {
      const auto found = model.deliveries.find(first);
      if (found == model.deliveries.end() || found->second != Model::State::kParked) break;
      folded.Fold(events::Acked("alice", kChannel, {}, {{first}}));
      found->second = Model::State::kSettled;
    }
  }
}

TEST(LedgerEntry, AgreesWithAMapOfDeliveriesOverRandomEvents) {
  constexpr std::uint64_t kLast = 50;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed);
    Model model{.start = 1 + rng.Next() % 10};
    Folded folded({model.start});
    for (int step = 0; step < 120; ++step) {
      Step(rng, kLast, model, folded);
      if (rng.Next() % 10 == 0) folded.entry = LedgerEntry::FromRow(folded.entry.ToRow());
      ASSERT_NO_FATAL_FAILURE(ExpectSame(model, folded.entry, kLast));
    }
  }
}

}  // namespace
}  // namespace ackwire
