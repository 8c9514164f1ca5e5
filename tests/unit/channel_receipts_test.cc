#include "delivery/channel_receipts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ledger_events.h"

namespace ackwire {
namespace {

using Receipted = ChannelReceipts::Counts;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ChannelId kOfReceipts{7};
SeqRun One(std::uint64_t seq) { return {Seq{seq}, Seq{seq}}; }

store::Event Left(const std::string& client, const std::vector<SeqRun>& undelivered) {
  store::Event event = events::Unsubscribed(client, kOfReceipts);
  for (const SeqRun& run : undelivered) {
    events::SetRun(*event.mutable_unsubscribed()->add_runs(), run);
  }
  return event;
}

class ChannelReceiptsTest : public testing::Test {
 protected:
  void Ack(const std::string& client, SeqRun run) {
    receipts_.OnEvent(events::Acked(client, kOfReceipts, {run}));
  }
  ChannelReceipts receipts_{kOfReceipts};
};

TEST_F(ChannelReceiptsTest, CountsClientsAndTheirUsers) {
  receipts_.Track({5});
  receipts_.Load({"alice/phone", "alice/tv", "bob"});
  EXPECT_EQ(receipts_.Of({5}), (Receipted{3, 0, 0, 2, 0}));
  EXPECT_THAT(receipts_.TakeChanged(), ElementsAre(Seq{5}));
  Ack("alice/phone", {Seq{1}, Seq{5}});
  EXPECT_EQ(receipts_.Of({5}), (Receipted{3, 1, 0, 2, 1}));
  Ack("alice/tv", One(5));
  EXPECT_EQ(receipts_.Of({5}), (Receipted{3, 2, 0, 2, 1}));
  EXPECT_FALSE(receipts_.Of({5}).settled());
  receipts_.OnEvent(events::Parked("bob", kOfReceipts, {5}));
  EXPECT_EQ(receipts_.Of({5}), (Receipted{3, 2, 1, 2, 1}));
  EXPECT_TRUE(receipts_.Of({5}).settled());
  receipts_.OnEvent(events::Acked("bob", kOfReceipts, {}, {Seq{5}}));
  EXPECT_EQ(receipts_.Of({5}), (Receipted{3, 3, 0, 2, 2}));
}

TEST_F(ChannelReceiptsTest, TellsOnlyWhatHasChanged) {
  receipts_.Load({"a"});
  receipts_.Track({1});
  receipts_.Track({2});
  EXPECT_THAT(receipts_.TakeChanged(), ElementsAre(Seq{1}, Seq{2}));
  Ack("a", One(2));
  Ack("a", One(9));  // is not tracked
  receipts_.OnEvent(events::Acked("a", {8}, {One(1)}));
  receipts_.OnEvent(events::Parked("a", {8}, {1}));
  receipts_.OnEvent(events::Failed("a", kOfReceipts, One(1)));  // is tried again
  EXPECT_THAT(receipts_.TakeChanged(), ElementsAre(Seq{2}));
  EXPECT_THAT(receipts_.TakeChanged(), IsEmpty());
}

TEST_F(ChannelReceiptsTest, FollowsWhoComesAndGoes) {
  receipts_.Load({"a", "b"});
  receipts_.Track({1});
  receipts_.OnEvent(events::Subscribed("late", kOfReceipts, {2}));
  receipts_.OnEvent(events::Subscribed("from-first", kOfReceipts, {1}));
  EXPECT_EQ(receipts_.Of({1}), (Receipted{3, 0, 0, 3, 0}));
  receipts_.Track({2});
  EXPECT_EQ(receipts_.Of({2}), (Receipted{4, 0, 0, 4, 0}));
  receipts_.OnEvent(Left("a", {{Seq{1}, Seq{2}}}));
  EXPECT_EQ(receipts_.Of({1}), (Receipted{3, 0, 1, 3, 0}));
  receipts_.Track({3});
  EXPECT_EQ(receipts_.Of({3}), (Receipted{3, 0, 0, 3, 0}));
  // It comes back, and wants what it had left without.
  receipts_.OnEvent(events::Subscribed("a", kOfReceipts, {2}));
  EXPECT_EQ(receipts_.Of({1}), (Receipted{3, 0, 1, 3, 0}));
  EXPECT_EQ(receipts_.Of({2}), (Receipted{4, 0, 0, 4, 0}));
  EXPECT_EQ(receipts_.Of({3}), (Receipted{4, 0, 0, 4, 0}));
}

// Whatever part of what happens is in the members that are read, the counts are the same.
TEST_F(ChannelReceiptsTest, CountsTheSameHoweverLateTheMembersAreKnown) {
  const std::vector<store::Event> happens = {events::Acked("a/1", kOfReceipts, {One(1)}),
                                             events::Subscribed("new", kOfReceipts, {2}),
                                             Left("b", {{Seq{1}, Seq{2}}}),
                                             events::Subscribed("first", kOfReceipts, {1}),
                                             events::Acked("first", kOfReceipts, {One(1)}),
                                             Left("a/2", {One(2)}),
                                             events::Subscribed("b", kOfReceipts, {1}),
                                             events::Acked("b", kOfReceipts, {One(1)}),
                                             Left("new", {One(2)}),
                                             events::Abandoned("c", kOfReceipts, One(2))};
  for (std::size_t loaded_after = 0; loaded_after <= happens.size(); ++loaded_after) {
    ChannelReceipts receipts(kOfReceipts);
    std::set<std::string> members = {"a/1", "a/2", "b", "c"};
    receipts.Track({1});
    receipts.Track({2});
    for (std::size_t i = 0; i <= happens.size(); ++i) {
      if (i == loaded_after) receipts.Load({members.begin(), members.end()});
      if (i == happens.size()) break;
      receipts.OnEvent(happens[i]);
      if (happens[i].has_subscribed()) members.insert(happens[i].client());
      if (happens[i].has_unsubscribed()) members.erase(happens[i].client());
    }
    EXPECT_EQ(receipts.Of({1}), (Receipted{5, 3, 0, 4, 3})) << loaded_after;
    EXPECT_EQ(receipts.Of({2}), (Receipted{6, 0, 3, 5, 0})) << loaded_after;
  }
}

TEST_F(ChannelReceiptsTest, IsEmptyOnceNothingIsTrackedAndNoMembersAreAwaited) {
  EXPECT_FALSE(receipts_.empty());
  receipts_.Track({1});
  receipts_.Forget({1});
  EXPECT_FALSE(receipts_.empty());
  receipts_.Load({});
  EXPECT_FALSE(receipts_.empty());
  EXPECT_TRUE(receipts_.Of({1}).settled());  // owed to nobody
  receipts_.Forget({1});
  EXPECT_TRUE(receipts_.empty());
}

}  // namespace
}  // namespace ackwire
