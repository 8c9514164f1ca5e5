// The life of a session: from connect to welcome, deliveries, what waits for what, and its end.
#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::Optional;

constexpr char kOtherRoom[] = "room/2";

class SessionLife : public SessionTest {
 protected:
  SessionLife() { SetAckWait(DeliveryPolicy().ack_wait); }

  void SetAckWait(Duration ack_wait) {
    policies_.Replace({{"*", {.ack_wait = ack_wait, .retry = {.backoff = {Duration(1'000)}}}}});
  }

  // Of an open session, after time has passed: it is woken again, and not at once.
  void ExpectToWait(TestConnection& connection) {
    const auto next = connection.session->ledger().NextEvent();
    if (next) {
      EXPECT_GT(*next, clock_.Now());
    }
    EXPECT_LT(Poll(), 3U) << "it is woken again and again";
  }
};

TEST_F(SessionLife, AConnectIsAnsweredWithWhatTheClientHas) {
  Subscribe("alice", kRoom);
  Publish(kRoom);
  TestConnection& alice = Connect("alice", R"(,"window":7)");
  const auto welcome = Take(alice, "welcome");
  EXPECT_EQ(welcome.at("client"), "alice");
  EXPECT_EQ(welcome.at("epoch").as_string(), store_->epoch());
  EXPECT_EQ(welcome.at("window"), 7);
  EXPECT_EQ(welcome.at("resumed"), false);
  EXPECT_EQ(welcome.at("subscriptions"),
            boost::json::parse(R"([{"channel":"room/1","floor":0,"lastSeq":1}])"));
}

TEST_F(SessionLife, TheWelcomeComesOnceTheSubscriptionsOfTheConnectAreOnDisk) {
  TestConnection& alice = Open();
  bool subscribed = false;
  alice.outlet.at_write = [&](const std::string& type) {
    if (type == "welcome") subscribed = Entry("alice", kRoom).subscribed();
  };
  alice.Say(R"({"type":"connect","client":"alice","subscriptions":[{"channel":"room/1"}]})");
  Take(alice, "welcome");
  EXPECT_TRUE(subscribed);
}

TEST_F(SessionLife, WhatWaitsAndWhatIsPublishedLaterIsDeliveredOnce) {
  Subscribe("alice", kRoom);
  Publish(kRoom);
  TestConnection& alice = Connect("alice");
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
  Publish(kRoom);
  Publish(kRoom);
  EXPECT_THAT(TakeDeliveries(alice, 2),
              ElementsAre("2: room/1 seq 2 attempt 1", "3: room/1 seq 3 attempt 1"));
  alice.Say(R"({"type":"ack","upTo":3})");
  Settle();
  EXPECT_EQ(alice.Count("deliveries"), 0U);
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{3});
  EXPECT_EQ(totals().undelivered, 0U);
}

TEST_F(SessionLife, ALateRelayBringsNothingTwice) {
  Subscribe("alice", kRoom);
  HoldGroups();
  Publish(kRoom);
  TestConnection& alice = Connect("alice");
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
  ReleaseGroups();
  Settle();
  EXPECT_EQ(alice.Count("deliveries"), 0U);
}

TEST_F(SessionLife, NothingIsSentBeyondTheUnsentBytesItMayHave) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  alice.outlet.queued = kUnsentBytesMax;
  Publish(kRoom);
  Settle();
  EXPECT_EQ(alice.Count("deliveries"), 0U);
  alice.outlet.queued = 0;
  alice.Written();
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 1"));
}

TEST_F(SessionLife, ARetryThatFallsDueBehindUnsentBytesWaitsForThem) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  alice.Say(R"({"type":"nack","deliveries":[1]})");
  alice.outlet.queued = kUnsentBytesMax;
  Advance(alice, Duration(2'000));
  ExpectToWait(alice);
  Advance(alice, Duration(1));
  ExpectToWait(alice);
  EXPECT_EQ(alice.Count("deliveries"), 0U);
  alice.outlet.queued = 0;
  alice.Written();
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("2: room/1 seq 1 attempt 2"));
}

TEST_F(SessionLife, ARetryThatFallsDueWhileAReadIsUnderWayWaitsForIt) {
  Publish(kOtherRoom);  // nobody here listens: it has to be read
  Settle();
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  alice.Say(R"({"type":"nack","deliveries":[1]})");
  HoldReads();
  alice.Say(R"({"type":"subscribe","id":1,"channel":"room/2","from":"first"})");
  Until([&] { return reads_waiting() == 1; }, "the read");
  Advance(alice, Duration(2'000));
  ExpectToWait(alice);
  Advance(alice, Duration(1));
  ExpectToWait(alice);
  EXPECT_EQ(alice.Count("deliveries"), 0U);
  EXPECT_EQ(reads_waiting(), 1U);
  ReleaseReads();
  const Strings sent = TakeDeliveries(alice, 2);
  EXPECT_THAT(sent, ::testing::UnorderedElementsAre(::testing::EndsWith("room/1 seq 1 attempt 2"),
                                                    ::testing::EndsWith("room/2 seq 1 attempt 1")));
}

TEST_F(SessionLife, AnAttemptTimesOutFromWhenItsBytesWereTaken) {
  SetAckWait(Duration(10'000));
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  Advance(alice, Duration(8'000));
  alice.Written();
  Advance(alice, Duration(9'999));
  EXPECT_EQ(alice.session->ledger().sent().in_flight(), 1U);
  Advance(alice, Duration(1));
  EXPECT_EQ(alice.session->ledger().sent().in_flight(), 0U);
  EXPECT_THAT(alice.session->ledger().NextEvent(), Optional(Gt(clock_.Now())));
}

TEST_F(SessionLife, AConfirmationComesOnceTheAcknowledgementIsOnDisk) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  Seq floor;
  alice.outlet.at_write = [&](const std::string& type) {
    if (type == "confirmed") floor = Entry("alice", kRoom).floor();
  };
  {
    const WriterHold hold(*store_);
    alice.Say(R"({"type":"ack","upTo":1,"id":4})");
    PassFlush();
    EXPECT_EQ(alice.Count("confirmed"), 0U);
  }
  EXPECT_EQ(Take(alice, "confirmed").at("id"), 4);
  EXPECT_EQ(floor, Seq{1});
}

TEST_F(SessionLife, AConfirmationWaitsAlsoWhenTheEventsWereTakenBeforeTheFlush) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  Settle();
  Seq floor;
  alice.outlet.at_write = [&](const std::string& type) {
    if (type == "confirmed") floor = Entry("alice", kRoom).floor();
  };
  bool recorded = false;
  {
    const WriterHold hold(*store_);
    alice.Say(R"({"type":"ack","upTo":1,"id":4})");
    alice.session->Record([&recorded] { recorded = true; });
    PassFlush();
    EXPECT_EQ(alice.Count("confirmed"), 0U);
    EXPECT_FALSE(recorded);
  }
  EXPECT_EQ(Take(alice, "confirmed").at("id"), 4);
  EXPECT_EQ(floor, Seq{1});
  Until([&] { return recorded; }, "the record");
}

TEST_F(SessionLife, AClientThatTakesNoAnswersIsClosedAtTheNextThingItSays) {
  TestConnection& alice = Connect("alice");
  alice.outlet.queued = SessionPolicy().queued_bytes;
  alice.Say(R"({"type":"pong"})");
  EXPECT_EQ(alice.outlet.closed_with, 0);
  alice.outlet.queued = SessionPolicy().queued_bytes + 1;
  alice.Say(R"({"type":"pong"})");
  EXPECT_EQ(alice.outlet.closed_with, close_code::kSlowConsumer);
  EXPECT_TRUE(alice.outlet.aborted);
  EXPECT_TRUE(alice.session->ended());
}

TEST_F(SessionLife, ASocketThatTakesNoBytesIsClosedAfterTheWriteStall) {
  TestConnection& alice = Connect("alice");
  alice.outlet.since = clock_.Now();
  Advance(alice, session_policy_.write_stall - Duration(1));
  EXPECT_EQ(alice.outlet.closed_with, 0);
  Advance(alice, Duration(1));
  EXPECT_EQ(alice.outlet.closed_with, close_code::kSlowConsumer);
  EXPECT_TRUE(alice.outlet.aborted);
}

TEST_F(SessionLife, AClientThatConnectsAgainTakesOverAndGetsWhatIsUndelivered) {
  TestConnection& older = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  Publish(kRoom);
  TakeDeliveries(older, 2);
  older.Say(R"({"type":"ack","upTo":1})");
  TestConnection& newer = Connect("alice");
  EXPECT_EQ(older.outlet.closed_with, close_code::kSessionReplaced);
  EXPECT_EQ(Take(newer, "welcome").at("subscriptions"),
            boost::json::parse(R"([{"channel":"room/1","floor":1,"lastSeq":2}])"));
  EXPECT_THAT(TakeDeliveries(newer, 1), ElementsAre("1: room/1 seq 2 attempt 2"));
  newer.Say(R"({"type":"ack","upTo":1})");
  Settle();
  EXPECT_EQ(totals().undelivered, 0U);
  EXPECT_EQ(older.Count("deliveries"), 0U);
}

TEST_F(SessionLife, OfThreeConnectionsAtOnceTheLastHasTheClient) {
  TestConnection& first = Open();
  TestConnection& second = Open();
  TestConnection& third = Open();
  for (TestConnection* each : {&first, &second, &third}) {
    each->Say(R"({"type":"connect","client":"alice"})");
  }
  Until([&] { return third.session->open(); }, "the third is connected");
  EXPECT_EQ(first.outlet.closed_with, close_code::kSessionReplaced);
  EXPECT_EQ(second.outlet.closed_with, close_code::kSessionReplaced);
}

TEST_F(SessionLife, NoSessionHasAClientWhoseLastSessionCouldNotBePutOnRecord) {
  TestConnection& before = ConnectSubscribed("alice", kRoom);
  FailDisk();
  before.session->End(close_code::kAbnormal);
  for (int i = 0; i < 2; ++i) {
    TestConnection& after = Open();
    after.Say(R"({"type":"connect","client":"alice"})");
    EXPECT_EQ(Take(after, "error").at("code"), "unavailable");
    EXPECT_EQ(after.outlet.closed_with, close_code::kInternal);
  }
}

TEST_F(SessionLife, AResumedSessionGoesOnWithItsNumbers) {
  TestConnection& before = ConnectSubscribed("alice", kRoom);
  const std::string session =
      boost::json::value_to<std::string>(Take(before, "welcome")["session"]);
  Publish(kRoom);
  Publish(kRoom);
  TakeDeliveries(before, 2);
  before.session->End(close_code::kAbnormal);
  TestConnection& after =
      Connect("alice", R"(,"resume":{"delivery":1,"session":")" + session + "\"}");
  const auto welcome = Take(after, "welcome");
  EXPECT_EQ(welcome.at("resumed"), true);
  EXPECT_EQ(welcome.at("session").as_string(), session);
  EXPECT_THAT(TakeDeliveries(after, 1), ElementsAre("3: room/1 seq 2 attempt 2"));
}

TEST_F(SessionLife, AResumeSettlesNothingOfASubscriptionThatEndedAndBeganAnewMeanwhile) {
  TestConnection& before = ConnectSubscribed("alice", kRoom);
  const std::string session =
      boost::json::value_to<std::string>(Take(before, "welcome")["session"]);
  Publish(kRoom);
  TakeDeliveries(before, 1);
  before.session->End(close_code::kAbnormal);
  EXPECT_EQ(Unsubscribe("alice", kRoom), 1U);
  TestConnection& after =
      Connect("alice", R"(,"subscriptions":[{"channel":"room/1","from":"first"}])"
                       R"(,"resume":{"delivery":1,"session":")" +
                           session + "\"}");
  EXPECT_EQ(Take(after, "welcome").at("resumed"), true);
  EXPECT_THAT(TakeDeliveries(after, 1), ElementsAre("2: room/1 seq 1 attempt 1"));
}

}  // namespace
}  // namespace ackwire
