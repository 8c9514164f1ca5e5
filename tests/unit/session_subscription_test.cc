// Subscriptions that begin and end while the client is connected, in every order that relay and
// writer can bring about.
#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;

constexpr char kSubscribe[] = R"({"type":"subscribe","id":1,"channel":"room/1"})";
constexpr char kUnsubscribe[] = R"({"type":"unsubscribe","id":2,"channel":"room/1"})";
constexpr char kSubscribeAgain[] = R"({"type":"subscribe","id":3,"channel":"room/1"})";

class SessionSubscription : public SessionTest {
 protected:
  // The store has no subscription, and what is published is neither owed nor sent.
  void ExpectUnsubscribed(TestConnection& alice) {
    Publish(kRoom);
    Settle();
    EXPECT_EQ(alice.session->ledger().FindFeed(kRoom), nullptr);
    EXPECT_FALSE(Entry("alice", kRoom).subscribed());
    EXPECT_EQ(alice.Count("deliveries"), 0U);
    EXPECT_EQ(totals().undelivered, 0U);
  }
};

TEST_F(SessionSubscription, SubscribingByFrameIsAnsweredAndWhatIsPublishedThenIsDelivered) {
  Publish(kRoom);
  TestConnection& alice = Connect("alice");
  alice.Say(kSubscribe);
  EXPECT_EQ(Take(alice, "subscribed"),
            boost::json::parse(
                R"({"type":"subscribed","id":1,"channel":"room/1","floor":1,"lastSeq":1})"));
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 2 attempt 1"));
}

TEST_F(SessionSubscription, ASubscriptionMadeElsewhereIsToldAndDelivered) {
  TestConnection& alice = Connect("alice");
  Subscribe("alice", kRoom);
  EXPECT_EQ(Take(alice, "subscribed").at("id"), 0);
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
}

TEST_F(SessionSubscription, UnsubscribingTellsWhatItAbandoned) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 2);
  alice.Say(R"({"type":"ack","upTo":1})");
  alice.Say(kUnsubscribe);
  EXPECT_EQ(
      Take(alice, "unsubscribed"),
      boost::json::parse(R"({"type":"unsubscribed","id":2,"channel":"room/1","abandoned":1})"));
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, LateNewsOfItDoesNotBringBackWhatWasUnsubscribed) {
  TestConnection& alice = Connect("alice");
  HoldGroups();
  alice.Say(kSubscribe);
  Take(alice, "subscribed");
  alice.Say(kUnsubscribe);
  Take(alice, "unsubscribed");
  ReleaseGroups();
  Settle();
  EXPECT_EQ(alice.Count("subscribed"), 0U);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, NewsOfItWhileTheUnsubscriptionIsUnderWayDoesNotBringItBack) {
  TestConnection& alice = Connect("alice");
  HoldGroups();
  alice.Say(kSubscribe);
  Take(alice, "subscribed");
  Settle();
  {
    const WriterHold hold(*store_);
    alice.Say(kUnsubscribe);
    ReleaseGroups();
    Poll();
    EXPECT_EQ(alice.session->ledger().FindFeed(kRoom), nullptr);
  }
  Take(alice, "unsubscribed");
  EXPECT_EQ(alice.Count("subscribed"), 0U);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, LateNewsOfTwoLeavesTheSecond) {
  TestConnection& alice = Connect("alice");
  HoldGroups();
  alice.Say(kSubscribe);
  Take(alice, "subscribed");
  alice.Say(kUnsubscribe);
  Take(alice, "unsubscribed");
  Subscribe("alice", kRoom);  // elsewhere
  ReleaseGroups();
  EXPECT_EQ(Take(alice, "subscribed").at("id"), 0);
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
  Settle();
  EXPECT_EQ(alice.Count("subscribed"), 0U);
  EXPECT_EQ(alice.Count("deliveries"), 0U);
}

TEST_F(SessionSubscription, LateNewsOfWhatEndedBeforeTheConnectIsNoNews) {
  HoldGroups();
  Subscribe("alice", kRoom);
  Publish(kRoom);
  EXPECT_EQ(Unsubscribe("alice", kRoom), 1U);
  TestConnection& alice = Connect("alice");
  ReleaseGroups();
  Settle();
  EXPECT_EQ(alice.Count("subscribed"), 0U);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, OneThatEndsElsewhereIsToldWithWhatItAbandoned) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  EXPECT_EQ(Unsubscribe("alice", kRoom), 1U);
  const auto told = Take(alice, "unsubscribed");
  EXPECT_EQ(told.at("id"), 0);
  EXPECT_EQ(told.at("abandoned"), 1);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, SubscribingAndUnsubscribingInARowEndsUnsubscribed) {
  TestConnection& alice = Connect("alice");
  alice.Say(kSubscribe);
  alice.Say(kUnsubscribe);
  EXPECT_EQ(Take(alice, "subscribed").at("id"), 1);
  EXPECT_EQ(Take(alice, "unsubscribed").at("id"), 2);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, UnsubscribingAndSubscribingInARowEndsSubscribed) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  alice.Say(kUnsubscribe);
  alice.Say(kSubscribeAgain);
  EXPECT_EQ(Take(alice, "unsubscribed").at("id"), 2);
  EXPECT_EQ(Take(alice, "subscribed").at("id"), 3);
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
  EXPECT_TRUE(Entry("alice", kRoom).subscribed());
}

TEST_F(SessionSubscription, ThreeInARowAreAnsweredInOrderAndTheLastCounts) {
  TestConnection& alice = Connect("alice");
  Strings answered;
  alice.outlet.at_write = [&](const std::string& type) { answered.push_back(type); };
  alice.Say(kSubscribe);
  alice.Say(kUnsubscribe);
  alice.Say(kSubscribeAgain);
  Until([&] { return answered.size() == 3; }, "three answers");
  EXPECT_THAT(answered, ElementsAre("subscribed", "unsubscribed", "subscribed"));
  EXPECT_NE(alice.session->ledger().FindFeed(kRoom), nullptr);
  EXPECT_TRUE(Entry("alice", kRoom).subscribed());
}

TEST_F(SessionSubscription, UnsubscribingEndsWhatIsParkedAndSubscribingAtOnceBeginsAnew) {
  TestConnection& alice = ConnectWithOneParked("alice", kRoom);
  alice.Say(kUnsubscribe);
  alice.Say(kSubscribeAgain);
  Take(alice, "unsubscribed");
  Take(alice, "subscribed");
  Settle();
  EXPECT_EQ(totals().parked, 0U);
  EXPECT_EQ(Entry("alice", kRoom).parked(), 0U);
  EXPECT_TRUE(Entry("alice", kRoom).subscribed());
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("2: room/1 seq 2 attempt 1"));
}

TEST_F(SessionSubscription, WhatIsParkedAndAcknowledgedRightBeforeUnsubscribingIsCountedOnce) {
  TestConnection& alice = ConnectWithOneParked("alice", kRoom);
  alice.Say(R"({"type":"ack","deliveries":[1]})");
  alice.Say(kUnsubscribe);
  Take(alice, "unsubscribed");
  EXPECT_EQ(totals().parked, 0U);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, WhatIsParkedRightBeforeUnsubscribingIsNotCountedAfterIt) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  alice.Say(R"({"type":"nack","deliveries":[1],"final":true})");
  alice.Say(kUnsubscribe);
  EXPECT_EQ(Take(alice, "unsubscribed").at("abandoned"), 0);
  EXPECT_EQ(totals().parked, 0U);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, OneMadeElsewhereCanBeEndedBeforeTheNewsOfIt) {
  TestConnection& alice = Connect("alice");
  HoldGroups();
  Subscribe("alice", kRoom);
  Publish(kRoom);
  alice.Say(kUnsubscribe);
  EXPECT_EQ(Take(alice, "unsubscribed").at("abandoned"), 1);
  ReleaseGroups();
  Settle();
  EXPECT_EQ(alice.Count("subscribed"), 0U);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, OneMadeElsewhereCanBeEndedElsewhereBeforeTheNewsOfIt) {
  TestConnection& alice = Connect("alice");
  HoldGroups();
  Subscribe("alice", kRoom);
  Publish(kRoom);
  EXPECT_EQ(Unsubscribe("alice", kRoom), 1U);
  EXPECT_EQ(Take(alice, "unsubscribed").at("id"), 0);
  ReleaseGroups();
  Settle();
  EXPECT_EQ(alice.Count("subscribed"), 0U);
  ExpectUnsubscribed(alice);
}

TEST_F(SessionSubscription, OneMadeAfterUnsubscribingFromNothingIsToldAndDelivered) {
  Publish(kRoom);
  TestConnection& alice = Connect("alice");
  HoldGroups();
  alice.Say(kUnsubscribe);
  Subscribe("alice", kRoom);
  EXPECT_EQ(Take(alice, "error").at("code"), "not_found");
  ReleaseGroups();
  EXPECT_EQ(Take(alice, "subscribed").at("id"), 0);
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 2 attempt 1"));
}

TEST_F(SessionSubscription, UnsubscribingFromWhatItHasNotIsAnError) {
  TestConnection& alice = Connect("alice");
  alice.Say(kUnsubscribe);
  const auto error = Take(alice, "error");
  EXPECT_EQ(error.at("id"), 2);
  EXPECT_EQ(error.at("code"), "not_found");
}

}  // namespace
}  // namespace ackwire
