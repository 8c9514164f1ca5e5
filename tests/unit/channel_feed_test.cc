#include "delivery/channel_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ackwire/v1/deliveries.pb.h"

namespace ackwire {
namespace {

constexpr Timestamp kNow = FromUnixMs(1'000);

std::shared_ptr<const ChannelPolicy> PolicyWith(Ordering ordering) {
  return std::make_shared<const ChannelPolicy>(ChannelPolicy{.ordering = ordering});
}

ChannelFeed Feed(std::uint64_t last, Ordering ordering = Ordering::kOrdered) {
  return {"room/1", LedgerEntry(Seq{1}, kNow), Seq{last}, PolicyWith(ordering)};
}

Retry CountedUntil(Timestamp due) {
  return {.attempts = 1, .counted = 1, .due = due, .reason = v1::REASON_NACK};
}
Retry RecalledNow() {
  return {.attempts = 1, .counted = 0, .due = kNow, .reason = v1::REASON_RECALLED};
}

// The seq that comes next, 0 for none.
std::uint64_t NextSeq(const ChannelFeed& feed, Timestamp now = kNow) {
  const auto next = feed.FindNext(now);
  return next && next->due <= now ? next->seq.value : 0;
}

void SendNext(ChannelFeed& feed, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) feed.Send(Seq{NextSeq(feed)});
}

TEST(ChannelFeed, GoesThroughTheChannelInOrderAndOnAsItGrows) {
  ChannelFeed feed = Feed(2);
  EXPECT_EQ(NextSeq(feed), 1U);
  EXPECT_EQ(feed.Send(Seq{1}), 1U);
  EXPECT_EQ(NextSeq(feed), 2U);
  feed.Send(Seq{2});
  EXPECT_EQ(NextSeq(feed), 0U);
  feed.Extend(Seq{3});
  EXPECT_EQ(NextSeq(feed), 3U);
  feed.Extend(Seq{1});
  EXPECT_EQ(feed.last(), Seq{3});
}

TEST(ChannelFeed, BeginsAboveTheFloorAndSkipsWhatIsSettled) {
  LedgerEntry entry(Seq{3}, kNow);
  entry.Settle({Seq{3}, Seq{3}});
  entry.Settle({Seq{5}, Seq{6}});
  ChannelFeed feed("room/1", entry, Seq{8}, PolicyWith(Ordering::kOrdered));
  EXPECT_EQ(NextSeq(feed), 4U);
  feed.Send(Seq{4});
  EXPECT_EQ(NextSeq(feed), 7U);
  EXPECT_EQ(feed.undelivered(), 3U);
}

TEST(ChannelFeed, AFailedMessageWaitsAndHoldsBackAllBeyondIt) {
  ChannelFeed feed = Feed(3);
  SendNext(feed, 2);
  feed.Fail(Seq{1}, CountedUntil(kNow + Duration(10)));
  feed.Fail(Seq{2}, RecalledNow());
  EXPECT_EQ(NextSeq(feed), 0U);
  EXPECT_EQ(feed.FindNext(kNow)->due, kNow + Duration(10));
  EXPECT_EQ(feed.blocked_by(), Seq{1});
  EXPECT_EQ(NextSeq(feed, kNow + Duration(10)), 1U);
  EXPECT_EQ(feed.Send(Seq{1}), 2U);
  EXPECT_EQ(NextSeq(feed, kNow + Duration(10)), 0U);
  feed.Settle(Seq{1});
  EXPECT_EQ(NextSeq(feed), 2U);
  EXPECT_FALSE(feed.blocked());
}

TEST(ChannelFeed, WhatStandsBeforeAFailedMessageGoesFirst) {
  ChannelFeed feed = Feed(3);
  SendNext(feed, 3);
  feed.Fail(Seq{2}, CountedUntil(kNow));
  feed.Fail(Seq{1}, RecalledNow());
  EXPECT_EQ(NextSeq(feed), 1U);
  feed.Send(Seq{1});
  EXPECT_EQ(NextSeq(feed), 2U);
}

TEST(ChannelFeed, AMessageThatCannotBeReadHoldsBackAllBeyondItButNothingBefore) {
  ChannelFeed feed = Feed(4);
  SendNext(feed, 2);
  feed.Hold(Seq{3});
  EXPECT_EQ(NextSeq(feed), 0U);
  EXPECT_EQ(feed.FindNext(kNow), std::nullopt) << "it is not asked for again";
  EXPECT_EQ(feed.blocked_by(), Seq{3});
  feed.Fail(Seq{2}, RecalledNow());
  EXPECT_EQ(NextSeq(feed), 2U);
  feed.Send(Seq{2});
  feed.Extend(Seq{5});
  EXPECT_EQ(NextSeq(feed), 0U);
}

TEST(ChannelFeed, UnorderedOnlyTheMessageThatCannotBeReadIsLeftOut) {
  ChannelFeed feed = Feed(4, Ordering::kUnordered);
  feed.Hold(Seq{1});
  EXPECT_EQ(NextSeq(feed), 2U);
  feed.Send(Seq{2});
  feed.Hold(Seq{3});
  EXPECT_EQ(NextSeq(feed), 4U);
  EXPECT_EQ(feed.blocked_by(), std::nullopt);
  EXPECT_EQ(feed.undelivered(), 4U) << "all of it is owed still";
}

TEST(ChannelFeed, OnlyAMessageBeyondItMakesAFailureABlock) {
  ChannelFeed feed = Feed(1);
  SendNext(feed, 1);
  feed.Fail(Seq{1}, CountedUntil(kNow));
  EXPECT_FALSE(feed.blocked());
  feed.Extend(Seq{2});
  EXPECT_TRUE(feed.blocked());
}

TEST(ChannelFeed, ParkingLetsTheRestFlowAndCounts) {
  ChannelFeed feed = Feed(2);
  SendNext(feed, 1);
  feed.Fail(Seq{1}, CountedUntil(kNow + Duration(10)));
  feed.Park(Seq{1});
  EXPECT_EQ(NextSeq(feed), 2U);
  EXPECT_EQ(feed.entry().parked(), 1U);
  feed.Unpark();
  EXPECT_EQ(feed.entry().parked(), 0U);
}

TEST(ChannelFeed, AMessageSettledBeforeItIsSentIsSkipped) {
  ChannelFeed feed = Feed(3);
  feed.Settle(Seq{1});
  EXPECT_EQ(NextSeq(feed), 2U);
  feed.Park(Seq{2});
  EXPECT_EQ(NextSeq(feed), 3U);
}

TEST(ChannelFeed, CountsTheFailuresThatCount) {
  ChannelFeed feed = Feed(1);
  SendNext(feed, 1);
  EXPECT_EQ(feed.CountedFailures(Seq{1}), 0U);
  feed.Fail(Seq{1}, CountedUntil(kNow));
  feed.Fail(Seq{1}, RecalledNow());
  feed.Fail(Seq{1}, CountedUntil(kNow));
  EXPECT_EQ(feed.CountedFailures(Seq{1}), 2U);
}

TEST(ChannelFeed, UnorderedNothingWaitsForAFailedMessage) {
  ChannelFeed feed = Feed(3, Ordering::kUnordered);
  SendNext(feed, 2);
  feed.Fail(Seq{1}, CountedUntil(kNow + Duration(10)));
  feed.Fail(Seq{2}, CountedUntil(kNow + Duration(5)));
  EXPECT_EQ(NextSeq(feed), 3U);
  feed.Send(Seq{3});
  EXPECT_EQ(feed.FindNext(kNow)->due, kNow + Duration(5));
  EXPECT_EQ(NextSeq(feed, kNow + Duration(5)), 2U);
  EXPECT_EQ(feed.blocked_by(), std::nullopt);
}

TEST(ChannelFeed, UnorderedAReconnectSendsFirstWhatWasTriedBefore) {
  LedgerEntry entry(Seq{1}, kNow);
  entry.Fail({Seq{2}, Seq{2}}, CountedUntil(kNow + Duration(10)));
  entry.Fail({Seq{3}, Seq{3}}, RecalledNow());
  ChannelFeed feed("room/1", entry, Seq{4}, PolicyWith(Ordering::kUnordered));
  for (const std::uint64_t seq : {1, 3, 4}) {
    EXPECT_EQ(NextSeq(feed), seq);
    feed.Send(Seq{seq});
  }
  EXPECT_EQ(NextSeq(feed), 0U);
  EXPECT_EQ(NextSeq(feed, kNow + Duration(10)), 2U);
}

TEST(ChannelFeed, TooManySettledRunsStopNewMessagesButNoRetries) {
  LedgerEntry entry(Seq{1}, kNow);
  const std::uint64_t last = 2 * kSettledRunsMax;
  for (std::uint64_t seq = 1; seq <= last; ++seq) {
    if (seq % 2 == 0) entry.Settle({Seq{seq}, Seq{seq}});
    if (seq % 2 == 1) entry.Fail({Seq{seq}, Seq{seq}}, RecalledNow());
  }
  ASSERT_EQ(entry.settled().runs().size(), kSettledRunsMax);
  ChannelFeed feed("room/1", entry, Seq{last + 1}, PolicyWith(Ordering::kUnordered));
  SendNext(feed, kSettledRunsMax);
  EXPECT_EQ(NextSeq(feed), 0U);
  feed.Settle(Seq{last - 1});
  EXPECT_EQ(NextSeq(feed), last + 1);
}

TEST(ChannelFeed, TooManyThatWaitStopNewMessages) {
  ChannelFeed feed = Feed(kWaitingMax + 1, Ordering::kUnordered);
  for (std::uint64_t seq = 1; seq <= kWaitingMax; ++seq) {
    feed.Send(Seq{seq});
    feed.Fail(Seq{seq}, CountedUntil(kNow + Duration(10)));
  }
  EXPECT_EQ(NextSeq(feed), 0U);
  feed.Settle(Seq{7});
  EXPECT_EQ(NextSeq(feed), kWaitingMax + 1);
}

}  // namespace
}  // namespace ackwire
