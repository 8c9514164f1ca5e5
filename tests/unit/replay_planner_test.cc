#include "tools/ackwired/replay_planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/proto_time.h"
#include "tests/unit/ledger_events.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

constexpr std::uint64_t kMessages = 30;
constexpr std::size_t kPlannedClients = 150;
constexpr std::uint64_t kDeliveries = kMessages * kPlannedClients;

// Very many deliveries of one channel failed one by one, and are parked.
class ReplayPlannerTest : public testing::Test {
 protected:
  ReplayPlannerTest() {
    for (std::uint64_t i = 1; i <= kMessages; ++i) {
      store_.Publish("room/a", "four", {.id = "m-" + std::to_string(i)});
    }
    store_.Publish("room/b", "nobody's");
    channel_ = store_.IdOf("room/a");
    for (std::size_t i = 0; i < kPlannedClients; ++i) {
      store_.Subscribe(ClientOf(i), "room/a", {.kind = StartAt::Kind::kFirst});
    }
    FailAll();
    store_.clock().Advance(Duration(10'000));
    second_attempt_ = store_.clock().Now();
    FailAll();
    ForEach(
        [&](const std::string& client, Seq seq) { return events::Parked(client, channel_, seq); });
  }

  static std::string ClientOf(std::size_t i) { return "client-" + std::to_string(i); }

  // Records what `make` makes of each delivery, all at once.
  template <typename F>
  void ForEach(F&& make) {
    std::vector<store::Event> made;
    for (std::uint64_t seq = 1; seq <= kMessages; ++seq) {
      for (std::size_t i = 0; i < kPlannedClients; ++i) {
        made.push_back(make(ClientOf(i), Seq{seq}));
        made.back().set_at_ms(ToUnixMs(store_.clock().Now()));
      }
    }
    store_.Record(std::move(made));
  }
  void FailAll() {
    ForEach([&](const std::string& client, Seq seq) {
      return events::Failed(client, channel_, {seq, seq});
    });
  }

  // Deliveries, messages, clients, payload.
  using Numbers = std::vector<std::uint64_t>;
  Numbers Plan(const v1::ReplaySelection& selection) {
    v1::PlanReplayRequest request;
    *request.mutable_selection() = selection;
    EXPECT_EQ(CheckPlan(request), OkStatus());
    ReplayPlanner planner(store_.store(), store_.clock(), request);
    steps_ = 0;
    StatusOr<bool> at_end = false;
    for (; at_end.ok() && !*at_end; ++steps_) at_end = planner.Step();
    EXPECT_TRUE(at_end.ok()) << at_end.status();
    if (!at_end.ok()) return {};
    const PlannedReplay planned = planner.Take([](const std::string&) { return false; });
    std::uint64_t open = 0;
    for (const auto& [pair, seqs] : planned.open) open += seqs.count();
    EXPECT_EQ(open, planned.plan.deliveries());
    return {planned.plan.deliveries(), planned.plan.messages(), planned.plan.clients(),
            planned.plan.bytes()};
  }
  Numbers Plan(const v1::FailureFilter& filter) {
    v1::ReplaySelection selection;
    *selection.mutable_failed() = filter;
    return Plan(selection);
  }
  v1::FailureFilter InChannel() const {
    v1::FailureFilter filter;
    filter.set_channel("room/a");
    return filter;
  }

  RunningStore store_;
  ChannelId channel_;
  Timestamp second_attempt_{};
  int steps_ = 0;
  const Numbers all_ = {kDeliveries, kMessages, kPlannedClients, kDeliveries * 4};
  const Numbers nothing_ = {0, 0, 0, 0};
};

TEST_F(ReplayPlannerTest, ByTimesAndReasonsIsWhatItIsByChannel) {
  EXPECT_EQ(Plan(InChannel()), all_);
  v1::FailureFilter filter = InChannel();
  filter.add_reasons(static_cast<v1::Reason>(events::FailedAttempt().reason));
  EXPECT_EQ(Plan(filter), all_);
  filter = InChannel();
  SetTime(*filter.mutable_since(), second_attempt_);
  EXPECT_EQ(Plan(filter), all_);
  filter = InChannel();
  SetTime(*filter.mutable_until(), second_attempt_);
  EXPECT_EQ(Plan(filter), all_) << "their first attempt was before";
  SetTime(*filter.mutable_until(), second_attempt_ - Duration(10'000));
  EXPECT_EQ(Plan(filter), nothing_);
  filter = InChannel();
  filter.add_reasons(v1::REASON_EXPIRED);
  EXPECT_EQ(Plan(filter), nothing_);
}

TEST_F(ReplayPlannerTest, ByMessageIsWhatIsParkedOfIt) {
  v1::FailureFilter filter = InChannel();
  filter.set_message_id("m-7");
  EXPECT_EQ(Plan(filter), (Numbers{kPlannedClients, 1, kPlannedClients, kPlannedClients * 4}));
  filter.set_message_id("m-none");
  EXPECT_EQ(Plan(filter), nothing_);
}

TEST_F(ReplayPlannerTest, HasOnlyWhatIsStillParked) {
  store_.Record({events::Acked(ClientOf(3), channel_, {}, {Seq{1}, Seq{2}})});
  v1::FailureFilter filter = InChannel();
  SetTime(*filter.mutable_since(), second_attempt_);
  EXPECT_EQ(Plan(filter),
            (Numbers{kDeliveries - 2, kMessages, kPlannedClients, (kDeliveries - 2) * 4}));
}

// Two attempts of all of them, of which a step looks at 2,000 failures at most.
TEST_F(ReplayPlannerTest, ByFailuresTakesAStepForEachPartOfThem) {
  v1::FailureFilter filter = InChannel();
  SetTime(*filter.mutable_since(), second_attempt_ - Duration(10'000));
  EXPECT_EQ(Plan(filter), all_);
  EXPECT_GE(steps_, static_cast<int>(2 * kDeliveries / 2'000));
}

TEST_F(ReplayPlannerTest, OfARangeTakesAStepForEachPartOfItsClients) {
  v1::ReplaySelection selection;
  selection.mutable_range()->set_channel("room/*");
  EXPECT_EQ(Plan(selection), all_);
  EXPECT_GE(steps_, 4);
  selection.mutable_range()->set_client(ClientOf(9));
  EXPECT_EQ(Plan(selection), (Numbers{kMessages, kMessages, 1, kMessages * 4}));
  selection.mutable_range()->set_channel("room/b");
  EXPECT_EQ(Plan(selection), nothing_);
}

}  // namespace
}  // namespace ackwire
