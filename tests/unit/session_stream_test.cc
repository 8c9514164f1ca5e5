// Sessions of event streams: what the client answers comes by calls, and who comes back says only
// what arrived.
#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SessionStream : public SessionTest {
 protected:
  // Subscribed to the room, and sent so many messages of it.
  TestConnection& StreamWith(std::size_t messages, frame::Connect connect = {}) {
    connect.client = "alice";
    connect.subscriptions = {{.channel = kRoom}};
    TestConnection& alice = Stream(std::move(connect));
    for (std::size_t n = 0; n < messages; ++n) Publish(kRoom);
    TakeDeliveries(alice, messages);
    return alice;
  }
  void Lose(TestConnection& connection) {
    connection.session->End(close_code::kAbnormal);
    Settle();
  }
  static std::string Body(const TestConnection& connection, const std::string& rest) {
    return R"({"session":")" + connection.session->id() + "\"," + rest + "}";
  }
  static std::string CodeIn(const HttpResponse& response) {
    const boost::json::value body = boost::json::parse(response.body);
    return std::string(body.at_pointer("/error/code").as_string());
  }
};

TEST_F(SessionStream, AnAcknowledgementIsAnsweredOnceItIsOnDisk) {
  TestConnection& alice = StreamWith(2);
  const HttpResponse answer = Call("ack", Body(alice, R"("upTo":1)"));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, R"({"confirmed":true})");
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{1});
  EXPECT_EQ(Call("ack", Body(alice, R"("deliveries":[2])")).status, 200U);
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{2});
  EXPECT_EQ(alice.Count("confirmed"), 0U);
}

TEST_F(SessionStream, AnAcknowledgementThatRepeatsIsAnsweredLikeTheFirst) {
  TestConnection& alice = StreamWith(1);
  for (int n = 0; n < 2; ++n) {
    EXPECT_EQ(Call("ack", Body(alice, R"("upTo":1)")).status, 200U);
  }
}

TEST_F(SessionStream, ADeliveryThatWasNeverSentIsUnknownAndTheOthersCount) {
  TestConnection& alice = StreamWith(1);
  const HttpResponse answer = Call("ack", Body(alice, R"("deliveries":[1,2])"));
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(CodeIn(answer), "unknown_delivery");
  EXPECT_THAT(answer.body, HasSubstr("delivery 2 was never sent in this session, whose last is 1"));
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{1});
}

TEST_F(SessionStream, ANackHasItSentAgain) {
  TestConnection& alice = StreamWith(1);
  EXPECT_EQ(Call("nack", Body(alice, R"("deliveries":[1],"reason":"busy")")).status, 200U);
  EXPECT_EQ(Entry("alice", kRoom).retries().at(Seq{1}).counted, 1U);
  Advance(alice, Duration(2'000));
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("2: room/1 seq 1 attempt 2"));
}

TEST_F(SessionStream, WorkingStartsTheDeadlineAnew) {
  TestConnection& alice = StreamWith(1);
  alice.Written();
  Advance(alice, Duration(29'000));
  EXPECT_EQ(Call("working", Body(alice, R"("deliveries":[1])")).status, 200U);
  Advance(alice, Duration(29'000));
  EXPECT_EQ(alice.session->ledger().sent().in_flight(), 1U);
}

TEST_F(SessionStream, ACallWorksForASessionOfFramesToo) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  EXPECT_EQ(Call("ack", Body(alice, R"("upTo":1)")).status, 200U);
  EXPECT_EQ(totals().undelivered, 0U);
}

TEST_F(SessionStream, AnotherUsersSessionIsAnsweredAsOneThatIsNotThere) {
  TestConnection& alice = StreamWith(1);
  const std::string body = Body(alice, R"("upTo":1)");
  const HttpResponse answer = Call("ack", body, Caller(Claims{.user = "mallory"}));
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(CodeIn(answer), "not_found");
  EXPECT_EQ(totals().undelivered, 1U);
  EXPECT_EQ(Call("ack", body, Caller(Claims{.user = "alice"})).status, 200U);
}

TEST_F(SessionStream, ASessionThatHasEndedTakesNoCalls) {
  TestConnection& alice = StreamWith(1);
  const std::string body = Body(alice, R"("upTo":1)");
  Lose(alice);
  const HttpResponse answer = Call("ack", body);
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(CodeIn(answer), "not_found");
}

TEST_F(SessionStream, OfWhoComesBackWhatArrivedStaysInFlightAndTheRestIsSentAgain) {
  TestConnection& before = StreamWith(3);
  before.Written();
  Lose(before);
  TestConnection& alice = StreamOn("alice", before.session->id(), 2);
  const auto welcome = Take(alice, "welcome");
  EXPECT_EQ(welcome.at("resumed"), true);
  EXPECT_EQ(welcome.at("session").as_string(), before.session->id());
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("4: room/1 seq 3 attempt 2"));
  EXPECT_EQ(alice.session->ledger().sent().in_flight(), 3U);
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{0});
  Call("ack", Body(alice, R"("upTo":2)"));
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{2});
}

TEST_F(SessionStream, WhoComesBackTooLateIsSentAllAgainInANewSession) {
  TestConnection& before = StreamWith(1);
  Lose(before);
  clock_.Advance(session_policy_.resume_within);
  TestConnection& alice = StreamOn("alice", before.session->id(), 1);
  EXPECT_EQ(Take(alice, "welcome").at("resumed"), false);
  EXPECT_THAT(TakeDeliveries(alice, 1), ElementsAre("1: room/1 seq 1 attempt 2"));
}

TEST_F(SessionStream, WhatIsWrittenCountsAsAcknowledgedWhereThatWasAskedFor) {
  TestConnection& alice = StreamWith(2, {.acks_when_written = true});
  Settle();
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{0});
  alice.Written();
  Settle();
  EXPECT_EQ(Entry("alice", kRoom).floor(), Seq{2});
}

TEST_F(SessionStream, ItIsPingedAndItsSilenceClosesNothing) {
  TestConnection& alice = StreamWith(0);
  for (std::size_t n = 1; n < 5; ++n) {
    Advance(alice, session_policy_.ping_interval);
    EXPECT_EQ(alice.Count("ping"), n);
  }
  EXPECT_TRUE(alice.session->open());
}

TEST_F(SessionStream, TheReconnectOfAReplacedSessionDoesNotTakeTheClientBack) {
  TestConnection& before = StreamWith(1);
  TestConnection& newer = Stream({.client = "alice"});
  EXPECT_EQ(before.outlet.closed_with, close_code::kSessionReplaced);
  TestConnection& again = StreamOn("alice", before.session->id(), 1);
  EXPECT_EQ(again.outlet.closed_with, close_code::kSessionReplaced);
  EXPECT_TRUE(again.outlet.frames.empty());
  EXPECT_TRUE(newer.session->open());
}

TEST_F(SessionStream, ASessionThatGoesOnInItsOwnReconnectIsNotReplaced) {
  TestConnection& before = StreamWith(1);
  TestConnection& second = StreamOn("alice", before.session->id(), 1);  // the first is half open
  EXPECT_EQ(before.outlet.closed_with, close_code::kSessionReplaced);
  EXPECT_EQ(Take(second, "welcome").at("resumed"), true);
  Lose(second);
  TestConnection& third = StreamOn("alice", before.session->id(), 1);
  EXPECT_TRUE(third.session->open());
}

TEST_F(SessionStream, OnlyTheNewestOfThoseThatWereReplacedAreRemembered) {
  std::vector<std::string> replaced;
  for (std::size_t n = 0; n <= kReplacedRememberedMax + 1; ++n) {
    replaced.push_back(Stream({.client = "alice"}).session->id());
  }
  EXPECT_FALSE(StreamOn("alice", replaced[1], 0).session->open());
  EXPECT_TRUE(StreamOn("alice", replaced[0], 0).session->open());
}

TEST_F(SessionStream, AWebSocketThatResumesAReplacedSessionHasANewOne) {
  TestConnection& before = StreamWith(1);
  Stream({.client = "alice"});
  TestConnection& again =
      Connect("alice", R"(,"resume":{"session":")" + before.session->id() + R"(","delivery":1})");
  EXPECT_EQ(Take(again, "welcome").at("resumed"), false);
}

}  // namespace
}  // namespace ackwire
