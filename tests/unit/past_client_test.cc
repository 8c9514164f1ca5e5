// A client's past where the journal begins in the middle of its life.
#include "delivery/past_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/past_delivery.h"
#include "tests/unit/ledger_events.h"

namespace ackwire {
namespace {

using testing::HasSubstr;

constexpr ChannelId kPastRoom{1};
constexpr Timestamp kOpened = FromUnixMs(500);
constexpr Timestamp kAsked = FromUnixMs(2000);

// Known, and owed all from seq 3 on.
JournalReader::Beginning AliceBegins() {
  JournalReader::Beginning beginning{.first = {100}, .known_from = FromUnixMs(1000)};
  beginning.state.known = true;
  beginning.state.last_seen_at = kOpened;
  beginning.entries.push_back({kPastRoom, LedgerEntry({1}, FromUnixMs(10))});
  beginning.entries[0].entry.Settle(RunOf(1, 2));
  return beginning;
}

JournalEvent At(std::int64_t ms, store::Event event, std::uint64_t number = 100) {
  event.set_at_ms(ms);
  return {EventId::Of({number}, 0), FromUnixMs(ms), std::move(event)};
}

TEST(PastClientOfATrimmedJournal, BeginsWithWhatItWas) {
  PastClient past(kAsked);
  past.Begin(AliceBegins());
  EXPECT_TRUE(past.state().known);
  EXPECT_EQ(past.Entry(kPastRoom).floor(), Seq{2});
  past.Add(At(1500, events::Acked("alice", kPastRoom, {RunOf(3, 3)})));
  EXPECT_EQ(past.Entry(kPastRoom).floor(), Seq{3});
}

TEST(PastClientOfATrimmedJournal, ASessionOpenedBeforeIsFoundByWhatItSaysLater) {
  for (const std::int64_t said : {1500, 2500}) {
    PastClient past(kAsked);
    past.Begin(AliceBegins());
    EXPECT_FALSE(past.session());
    EXPECT_TRUE(past.MayHaveMore()) << "nobody can tell yet";
    past.Add(At(said, events::Acked("alice", kPastRoom, {RunOf(3, 3)})));
    ASSERT_TRUE(past.session()) << said;
    EXPECT_EQ(past.session()->id, "s-1");
    EXPECT_EQ(past.session()->opened_at, kOpened);
  }
}

TEST(PastClientOfATrimmedJournal, WhatWasClosedOrOpenedByThenTellsItself) {
  PastClient closed(kAsked);
  closed.Begin(AliceBegins());
  closed.Add(At(1500, events::SessionClosed("alice", 1)));
  EXPECT_FALSE(closed.session());
  EXPECT_FALSE(closed.MayHaveMore());
  PastClient open(kAsked);
  open.Begin(AliceBegins());
  open.Add(At(2500, events::SessionClosed("alice", 1)));
  EXPECT_TRUE(open.session()) << "it was closed later";
  PastClient opened_later(kAsked);
  opened_later.Begin(AliceBegins());
  opened_later.Add(At(2500, events::SessionOpened("alice")));
  EXPECT_FALSE(opened_later.session());
  EXPECT_FALSE(opened_later.MayHaveMore());
}

class PastDeliveryOfATrimmedJournal : public testing::Test {
 protected:
  static PastDelivery Of(Seq seq, const JournalReader::Beginning& beginning) {
    DeliveryFacts asked;
    asked.client = "alice";
    asked.channel = "room";
    asked.channel_id = kPastRoom;
    asked.channel_last = {5};
    asked.seq = seq;
    asked.now = kAsked;
    asked.message.emplace();
    PastDelivery past(asked, Ordering::kOrdered);
    past.Begin(beginning);
    return past;
  }
};

TEST_F(PastDeliveryOfATrimmedJournal, WhatWasSettledBeforeSaysNotWhen) {
  const v1::Delivery delivery = Explain(Of({2}, AliceBegins()).Facts());
  EXPECT_EQ(delivery.state(), v1::DELIVERY_STATE_ACKED);
  EXPECT_FALSE(delivery.has_settled_at());
  EXPECT_THAT(delivery.explanation(), HasSubstr("when is no longer on record"));
}

TEST_F(PastDeliveryOfATrimmedJournal, WhatWasParkedBeforeIsParkedUntilItIsNot) {
  JournalReader::Beginning beginning = AliceBegins();
  beginning.entries[0].entry.Park({4});
  beginning.parked[kPastRoom].Add(RunOf(4, 4));
  PastDelivery past = Of({4}, beginning);
  const v1::Delivery parked = Explain(past.Facts());
  EXPECT_EQ(parked.state(), v1::DELIVERY_STATE_PARKED);
  EXPECT_THAT(parked.explanation(),
              HasSubstr("it was parked; when and why is no longer on record"));
  past.Add(At(1500, events::Acked("alice", kPastRoom, {}, {{4}})));
  EXPECT_EQ(Explain(past.Facts()).state(), v1::DELIVERY_STATE_ACKED);
}

}  // namespace
}  // namespace ackwire
