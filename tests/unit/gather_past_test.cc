#include "delivery/gather_past.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/past_delivery.h"
#include "store/proto_time.h"
#include "tests/unit/ledger_events.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

class GatherPast : public testing::Test {
 protected:
  Timestamp Now() { return store_.clock().Now(); }
  void Pass(Duration by) { store_.clock().Advance(by); }

  DeliveryFacts MessageAt(const DeliveryQuestion& question, Timestamp at) {
    return GatherMessageThen(store_.store(), policies_, question, at).value();
  }
  Seq LastAt(Timestamp at) { return LastThen(store_.store(), store_.IdOf("c"), at).value(); }

  RunningStore store_;
  const Policies policies_{DeliveryPolicy{}};
};

TEST_F(GatherPast, AMessageIsThereFromItsPublicationOn) {
  const Timestamp before = Now();
  Pass(Duration(10));
  store_.Publish("c", "one", {.id = "m-1"});
  const Timestamp at = Now();
  const DeliveryQuestion by_id{.client = "a", .channel = "c", .message_id = "m-1"};
  const DeliveryQuestion by_seq{.client = "a", .channel = "c", .seq = Seq{1}};
  for (const DeliveryQuestion& question : {by_id, by_seq}) {
    EXPECT_FALSE(MessageAt(question, before).message);
    EXPECT_EQ(MessageAt(question, before).seq, question.seq);
    EXPECT_TRUE(MessageAt(question, at).message);
    EXPECT_EQ(MessageAt(question, at).seq, Seq{1});
    EXPECT_EQ(MessageAt(question, at).now, at);
  }
  EXPECT_EQ(Explain(MessageAt(by_seq, before)).explanation(),
            "there is no seq 1 of c: nothing was published there yet");
}

TEST_F(GatherPast, TheChannelsLastIsThatOfTheTime) {
  std::vector<Timestamp> published;
  const Timestamp begin = Now();
  for (int seq = 1; seq <= 100; ++seq) {
    Pass(Duration(seq % 3));  // some at the same moment
    store_.Publish("c", "x");
    published.push_back(Now());
  }
  EXPECT_EQ(LastAt(begin - Duration(1)), Seq{0});
  EXPECT_EQ(LastAt(Now() + Duration(1)), Seq{100});
  for (Timestamp at = begin; at <= Now(); at += Duration(1)) {
    const auto behind = std::upper_bound(published.begin(), published.end(), at);
    EXPECT_EQ(LastAt(at), Seq{static_cast<std::uint64_t>(behind - published.begin())});
  }
}

TEST_F(GatherPast, TheLogBeginsWithItsFirstMessageOrEvent) {
  EXPECT_EQ(LogBeginsAt(store_.store()).value(), std::nullopt);
  const Timestamp first = Now();
  store_.Publish("c", "x");
  EXPECT_EQ(LogBeginsAt(store_.store()).value(), first);
  Pass(Duration(10));
  store_.Subscribe("a", "c");
  EXPECT_EQ(LogBeginsAt(store_.store()).value(), first);
}

TEST_F(GatherPast, TheWalkEndsOnceAllIsKnownOfTheTime) {
  store_.Subscribe("a", "c");
  const Timestamp at = Now();
  for (int record = 0; record < 10; ++record) {
    Pass(Duration(30'000));
    store_.Record({events::SessionOpened("b", Now())});
  }
  PastClient past(at);
  std::size_t events = 0;
  PastWalk walk(store_.store(), "a", past,
                {[&](const auto& beginning) { past.Begin(beginning); },
                 [&](const JournalEvent& event) {
                   past.Add(event);
                   ++events;
                 }});
  int steps = 1;
  while (!walk.Step(1).value()) ++steps;
  // The first, and those up to the first that was committed more than kRecordedWithin later.
  EXPECT_EQ(steps, 4);
  EXPECT_EQ(events, 1U);
  EXPECT_TRUE(past.Entry(store_.IdOf("c")).subscribed());
}

TEST_F(GatherPast, TheWalkOfAClientThatWasOnlineGoesOnUntilItsSessionEnded) {
  store_.Record({events::SessionOpened("a", Now())});
  const Timestamp at = Now();
  for (int record = 0; record < 5; ++record) {
    Pass(Duration(60'000));
    store_.Record({events::SessionOpened("b", Now())});
  }
  store_.Record({events::SessionClosed("a", 0, Now())});
  store_.Record({events::SessionOpened("b", Now())});
  PastClient past(at);
  PastWalk walk(store_.store(), "a", past,
                {[&](const auto& beginning) { past.Begin(beginning); },
                 [&](const auto& event) { past.Add(event); }});
  int steps = 1;
  while (!walk.Step(1).value()) ++steps;
  EXPECT_EQ(steps, 7);
  EXPECT_TRUE(past.session().has_value());
}

TEST_F(GatherPast, OneClientsNameInAnothersIsNotTakenForIt) {
  store_.Record({events::SessionOpened("a/phone", Now()), events::SessionOpened("ba", Now())});
  store_.Record({events::SessionOpened("a", Now())});
  std::vector<EventId> taken;
  const auto walked =
      store_.store().journal().Walk({.client = "a", .to = {2}, .records_max = 10},
                                    [&](const JournalEvent& event) { taken.push_back(event.id); });
  ASSERT_TRUE(walked.ok()) << walked.status();
  EXPECT_EQ(walked->next, JournalNumber{});
  EXPECT_THAT(taken, testing::ElementsAre(EventId::Of({2}, 0)));
}

TEST(PastDeliverySentence, SaysOfWhichTimeItSpeaks) {
  DeliveryFacts facts;
  facts.client = "a";
  facts.channel = "c";
  facts.seq = Seq{3};
  facts.now = FromUnixMs(1'795'305'600'000);
  EXPECT_EQ(ExplainThen(facts, std::nullopt).explanation(),
            "At 2026-11-22T00:00:00.000Z: there is no channel c");
  EXPECT_EQ(ExplainThen(facts, facts.now + Duration(1)).explanation(),
            "At 2026-11-22T00:00:00.000Z: nothing is on record yet: the log begins at "
            "2026-11-22T00:00:00.001Z");
}

}  // namespace
}  // namespace ackwire
