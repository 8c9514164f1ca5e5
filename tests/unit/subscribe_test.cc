// Subscriptions as the writer makes and ends them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/limits.h"
#include "store/writer.h"
#include "tests/unit/store_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr StartAt kFromFirst{.kind = StartAt::Kind::kFirst};
StartAt FromSeq(std::uint64_t seq) { return {.kind = StartAt::Kind::kSeq, .seq = {seq}}; }

const std::vector<SubscriptionState>& StatesOf(const Work& work) {
  return std::get<SubscribeWork>(work).outcome.value();
}

TEST(Subscribe, BeginsAfterTheLastMessage) {
  TestStore store;
  store.Publish("room/1", "before");
  const SubscriptionState state = store.Subscribe("alice", "room/1");
  EXPECT_EQ(state.entry.start(), Seq{2});
  EXPECT_EQ(state.entry.floor(), Seq{1});
  EXPECT_EQ(state.last, Seq{1});
  EXPECT_EQ(state.channel, store.IdOf("room/1"));
  EXPECT_FALSE(state.existed);
  store.Publish("room/1", "after");
  EXPECT_EQ(store.totals().undelivered, 1U);
}

TEST(Subscribe, BeginsAtTheFirstMessageOrAtASeq) {
  TestStore store;
  for (int i = 0; i < 5; ++i) store.Publish("room/1", "hi");
  EXPECT_EQ(store.Subscribe("a", "room/1", kFromFirst).entry.start(), Seq{1});
  EXPECT_EQ(store.Subscribe("b", "room/1", FromSeq(3)).entry.start(), Seq{3});
  EXPECT_EQ(store.Subscribe("c", "room/1", FromSeq(6)).entry.start(), Seq{6});
  EXPECT_EQ(store.Subscribe("d", "room/1", FromSeq(99)).entry.start(), Seq{6});
  EXPECT_EQ(store.Subscribe("e", "room/1", FromSeq(0)).entry.start(), Seq{1});
  EXPECT_EQ(store.totals().undelivered, 5U + 3U + 0U + 0U + 5U);
}

TEST(Subscribe, MakesTheChannel) {
  TestStore store;
  EXPECT_EQ(store.Subscribe("alice", "room/1").entry.start(), Seq{1});
  EXPECT_EQ(store.Subscribe("bob", "room/1", kFromFirst).entry.start(), Seq{1});
  EXPECT_EQ(store.Info("room/1").subscriptions, 2U);
  EXPECT_EQ(store.Publish("room/1", "hi").seq, Seq{1});
  EXPECT_EQ(store.totals().undelivered, 2U);
}

TEST(Subscribe, LeavesWhatExistsAsItIs) {
  TestStore store;
  store.Publish("room/1", "hi");
  store.Subscribe("alice", "room/1", kFromFirst);
  store.Ack("alice", "room/1", {{1}, {1}});
  store.Publish("room/1", "hi");
  std::vector<Work> works = {TestStore::SubscribeWorkOf({{"alice", "room/1", kFromFirst}})};
  EXPECT_EQ(store.Commit(works), nullptr) << "there is nothing to write";
  const SubscriptionState& again = StatesOf(works[0]).at(0);
  EXPECT_TRUE(again.existed);
  EXPECT_EQ(again.entry.floor(), Seq{1});
  EXPECT_EQ(again.last, Seq{2});
  EXPECT_EQ(store.Info("room/1").subscriptions, 1U);
  EXPECT_EQ(store.ledger().Client("alice").value().subscriptions, 1U);
}

TEST(Subscribe, IsMadeOnceWhenAskedForTwiceInOneWork) {
  TestStore store;
  std::vector<Work> works = {
      TestStore::SubscribeWorkOf({{"alice", "room/1", {}}, {"alice", "room/1", kFromFirst}})};
  EXPECT_EQ(store.Commit(works)->record.events_size(), 1);
  EXPECT_FALSE(StatesOf(works[0]).at(0).existed);
  EXPECT_TRUE(StatesOf(works[0]).at(1).existed);
  EXPECT_EQ(store.Info("room/1").subscriptions, 1U);
}

// There is no race with publishing: what is queued before is before, what is queued after is owed.
TEST(Subscribe, BeginsExactlyWhereItStandsInItsGroup) {
  TestStore store;
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "1"),
                             TestStore::SubscribeWorkOf({{"a", "room/1", {}}}),
                             TestStore::PublishWorkOf("room/1", "2"),
                             TestStore::SubscribeWorkOf({{"b", "room/1", {}}}),
                             TestStore::SubscribeWorkOf({{"c", "room/1", kFromFirst}}),
                             TestStore::PublishWorkOf("room/1", "3")};
  (void)store.Commit(works);
  EXPECT_EQ(StatesOf(works[1]).at(0).entry.start(), Seq{2});
  EXPECT_EQ(StatesOf(works[3]).at(0).entry.start(), Seq{3});
  EXPECT_EQ(StatesOf(works[4]).at(0).entry.start(), Seq{1});
  EXPECT_EQ(store.Entry("a", "room/1").Undelivered({3}), 2U);
  EXPECT_EQ(store.Entry("b", "room/1").Undelivered({3}), 1U);
  EXPECT_EQ(store.totals().undelivered, 6U);
}

// A commit's messages are folded before its subscriptions; channels are numbered as they came.
TEST(Subscribe, MayMakeAChannelBeforeAMessageMakesTheNext) {
  TestStore store;
  std::vector<Work> works = {TestStore::SubscribeWorkOf({{"alice", "room/1", {}}}),
                             TestStore::PublishWorkOf("room/2", "hi"),
                             TestStore::SubscribeWorkOf({{"alice", "room/3", {}}}),
                             TestStore::PublishWorkOf("room/4", "hi")};
  (void)store.Commit(works);
  const std::string before = store.Describe();
  EXPECT_EQ(store.IdOf("room/1"), ChannelId{1});
  EXPECT_EQ(store.IdOf("room/4"), ChannelId{4});
  store.Reopen();
  EXPECT_EQ(store.Describe(), before);
}

TEST(Subscribe, MakesAllOrNone) {
  TestStore store;
  std::vector<SubscribeRequest> requests;
  for (std::size_t i = 0; i < kSubscriptionsOfClientMax - 1; ++i) {
    requests.push_back({"alice", "room/" + std::to_string(i), {}});
  }
  std::vector<Work> works = {TestStore::SubscribeWorkOf(std::move(requests))};
  (void)store.Commit(works);
  ASSERT_EQ(StatesOf(works[0]).size(), kSubscriptionsOfClientMax - 1);

  works = {TestStore::SubscribeWorkOf({{"bob", "room/1", {}},
                                       {"alice", "room/1", {}},
                                       {"alice", "new/1", {}},
                                       {"alice", "new/2", {}}})};
  EXPECT_EQ(store.Commit(works), nullptr);
  const Status refused = std::get<SubscribeWork>(works[0]).outcome.status();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(refused), HasSubstr("at most 10000 for one client, and alice has 9999"));
  EXPECT_FALSE(store.Entry("bob", "room/1").subscribed());
  EXPECT_EQ(store.IdOf("new/1"), ChannelId{});

  store.Subscribe("alice", "new/1");
  EXPECT_EQ(store.ledger().Client("alice").value().subscriptions, kSubscriptionsOfClientMax);
}

TEST(Unsubscribe, AbandonsWhatIsUndelivered) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  for (int i = 0; i < 5; ++i) store.Publish("room/1", "hi");
  store.Ack("alice", "room/1", {{2}, {2}});
  store.Park("alice", "room/1", {4});
  store.Unsubscribe("alice", "room/1");
  EXPECT_FALSE(store.Entry("alice", "room/1").subscribed());
  EXPECT_EQ(store.totals().undelivered, 0U);
  EXPECT_EQ(store.totals().parked, 0U);
  EXPECT_EQ(store.totals().clients, 1U) << "the client is still known";
  EXPECT_EQ(store.Info("room/1").subscriptions, 0U);
  EXPECT_EQ(store.ledger().Client("alice").value().subscriptions, 0U);
  EXPECT_THAT(store.ledger().Members(store.IdOf("room/1"), {.limit = 9}).value(), IsEmpty());
  EXPECT_THAT(store.ledger().ParkedSeqs("alice", store.IdOf("room/1")).value(), IsEmpty());
  const auto failures = store.ledger().FailureEvents("alice", store.IdOf("room/1"), {3}, 9);
  ASSERT_EQ(failures.value().size(), 1U);
  EXPECT_EQ(failures->at(0).event.unsubscribed().undelivered(), 3U);
}

// Whoever asks may not have seen the newest messages, and acknowledgements of the same commit
// count.
TEST(Unsubscribe, CountsWhatItsOwnCommitBrings) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Publish("room/1", "1");
  store.Publish("room/1", "2");
  const ChannelId room = store.IdOf("room/1");
  std::vector<Work> works = {TestStore::PublishWorkOf("room/1", "3"),
                             TestStore::JournalWorkOf({events::Acked("alice", room, {{{1}, {1}}})}),
                             TestStore::JournalWorkOf({events::Unsubscribed("alice", room)}),
                             TestStore::PublishWorkOf("room/1", "4")};
  const SharedGroup group = store.Commit(works);
  EXPECT_EQ(std::get<JournalWork>(works[2]).outcome->abandoned, 3U) << "as on record";
  const auto& ended = group->record.events(1).unsubscribed();
  EXPECT_EQ(ended.undelivered(), 3U) << "messages are folded before events";
  EXPECT_EQ(ended.last(), 4U);
  ASSERT_EQ(ended.runs_size(), 1);
  EXPECT_EQ(ended.runs(0).first(), 2U);
  EXPECT_EQ(ended.runs(0).last(), 4U);
  EXPECT_EQ(store.totals().undelivered, 0U);
  store.Reopen();
  EXPECT_EQ(store.totals().undelivered, 0U);
}

TEST(Subscribe, MayFollowAnEndInItsCommit) {
  TestStore store;
  store.Publish("room/1", "before");
  const ChannelId room = store.IdOf("room/1");
  std::vector<Work> works = {TestStore::SubscribeWorkOf({{"alice", "room/1", kFromFirst}}),
                             TestStore::JournalWorkOf({events::Unsubscribed("alice", room)}),
                             TestStore::SubscribeWorkOf({{"alice", "room/1", {}}})};
  EXPECT_EQ(store.Commit(works)->record.events_size(), 3);
  EXPECT_EQ(std::get<JournalWork>(works[1]).outcome->abandoned, 1U);
  EXPECT_FALSE(StatesOf(works[2]).at(0).existed);
  EXPECT_EQ(StatesOf(works[2]).at(0).entry.start(), Seq{2});
  EXPECT_EQ(store.Entry("alice", "room/1").start(), Seq{2});
  EXPECT_EQ(store.Info("room/1").subscriptions, 1U);
  const std::string before = store.Describe();
  store.Reopen();
  EXPECT_EQ(store.Describe(), before);
}

TEST(Unsubscribe, CountsOnceWhenAskedForTwice) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Subscribe("bob", "room/1");
  store.Publish("room/1", "1");
  const ChannelId room = store.IdOf("room/1");
  store.Record({events::Unsubscribed("alice", room), events::Unsubscribed("alice", room)});
  store.Record({events::Unsubscribed("alice", room)});
  EXPECT_EQ(store.Info("room/1").subscriptions, 1U);
  EXPECT_EQ(store.totals().undelivered, 1U);
  EXPECT_EQ(store.ledger().Client("alice").value().subscriptions, 0U);
}

TEST(Unsubscribe, MayBeFollowedByAnotherSubscription) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.Publish("room/1", "1");
  store.Ack("alice", "room/1", {{1}, {1}});
  const ChannelId room = store.IdOf("room/1");
  std::vector<Work> works = {TestStore::JournalWorkOf({events::Unsubscribed("alice", room)}),
                             TestStore::PublishWorkOf("room/1", "2"),
                             TestStore::SubscribeWorkOf({{"alice", "room/1", kFromFirst}})};
  (void)store.Commit(works);
  EXPECT_FALSE(StatesOf(works[2]).at(0).existed);
  EXPECT_EQ(StatesOf(works[2]).at(0).entry.floor(), Seq{0});
  EXPECT_EQ(store.totals().undelivered, 2U);
  const std::string before = store.Describe();
  store.FoldNow();
  EXPECT_EQ(store.Describe(), before);
  store.Reopen();
  EXPECT_EQ(store.Describe(), before);
  store.CrashBeforeCheckpoint();
  EXPECT_EQ(store.Describe(), before);
}

TEST(Unsubscribe, KeepsARowSoThatFoldingAgainDoesNotBringItBack) {
  TestStore store;
  store.Subscribe("alice", "room/1");
  store.FoldNow();
  store.Publish("room/1", "1");
  store.Unsubscribe("alice", "room/1");
  store.CrashBeforeCheckpoint();
  EXPECT_FALSE(store.Entry("alice", "room/1").subscribed());
  EXPECT_EQ(store.totals().undelivered, 0U);
  EXPECT_THAT(store.ledger().Entries("alice").value(), IsEmpty());
  EXPECT_THAT(store.ledger().Clients({.limit = 9}).value(), ElementsAre("alice"));
}

}  // namespace
}  // namespace ackwire
