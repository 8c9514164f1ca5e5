#include "delivery/ack_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/channel_ids.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = AckWindow::State;

constexpr Timestamp kStart = FromUnixMs(1'000);

DeliveryKey Key(std::uint64_t seq, ChannelId channel = kRoomId) { return {channel, Seq{seq}}; }

AckWindow WithSent(std::uint64_t count) {
  AckWindow window;
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    window.Add({.key = Key(seq), .attempt = 1, .sent_at = kStart});
  }
  return window;
}

TEST(AckWindow, NumbersFromOneAndKnowsWhatIsInFlight) {
  const AckWindow window = WithSent(2);
  EXPECT_EQ(window.last_number(), 2U);
  EXPECT_EQ(window.in_flight(), 2U);
  EXPECT_THAT(window.AllInFlight(), ElementsAre(1, 2));
  EXPECT_EQ(window.InFlight(Key(2)), 2U);
  EXPECT_EQ(window.InFlight(Key(3)), std::nullopt);
  EXPECT_TRUE(window.WasSent(2));
  EXPECT_FALSE(window.WasSent(0));
  EXPECT_FALSE(window.WasSent(3));
}

TEST(AckWindow, CoversWhatIsInFlightOrLateButNotWhatWasDropped) {
  AckWindow window = WithSent(4);
  window.End(2, State::kLate);
  window.End(3, State::kDropped);
  EXPECT_THAT(window.CoveredUpTo(3), ElementsAre(1, 2));
  EXPECT_THAT(window.CoveredUpTo(4), ElementsAre(1, 2, 4));
  EXPECT_EQ(window.in_flight(), 2U);
}

TEST(AckWindow, ForgetsAllNumbersOfASettledDelivery) {
  AckWindow window = WithSent(1);
  window.End(1, State::kLate);
  window.Add({.key = Key(1), .attempt = 2});
  window.Forget(Key(1));
  EXPECT_EQ(window.Find(1), nullptr);
  EXPECT_EQ(window.Find(2), nullptr);
  EXPECT_EQ(window.in_flight(), 0U);
  EXPECT_TRUE(window.WasSent(1));
  EXPECT_THAT(window.CoveredUpTo(2), IsEmpty());
}

TEST(AckWindow, HasADeadlineOnlyFromTheMomentItIsSet) {
  AckWindow window = WithSent(2);
  EXPECT_EQ(window.NextDeadline(), std::nullopt);
  window.SetDeadline(2, kStart + Duration(5));
  EXPECT_EQ(window.NextDeadline(), kStart + Duration(5));
  EXPECT_THAT(window.Overdue(kStart + Duration(4)), IsEmpty());
  EXPECT_THAT(window.Overdue(kStart + Duration(5)), ElementsAre(2));
}

TEST(AckWindow, ADeadlineCanStartAnewAndEndsWithTheAttempt) {
  AckWindow window = WithSent(2);
  window.SetDeadline(1, kStart + Duration(5));
  window.SetDeadline(1, kStart + Duration(9));
  EXPECT_EQ(window.NextDeadline(), kStart + Duration(9));
  window.End(1, State::kLate);
  window.SetDeadline(1, kStart + Duration(1));
  EXPECT_EQ(window.NextDeadline(), std::nullopt);
  window.SetDeadline(7, kStart);
  EXPECT_EQ(window.NextDeadline(), std::nullopt);
}

TEST(AckWindow, ListsTheOverdueInOrderOfNumber) {
  AckWindow window = WithSent(3);
  window.SetDeadline(3, kStart + Duration(1));
  window.SetDeadline(1, kStart + Duration(2));
  window.SetDeadline(2, kStart + Duration(8));
  EXPECT_THAT(window.Overdue(kStart + Duration(2)), ElementsAre(1, 3));
}

TEST(AckWindow, ParkingKeepsWhatAnAcknowledgementCovers) {
  AckWindow window = WithSent(2);
  window.End(1, State::kLate);
  window.End(2, State::kDropped);
  window.Park(Key(1));
  window.Park(Key(2));
  EXPECT_EQ(window.Find(1)->ended_as, SettledAs::kParked);
  EXPECT_EQ(window.Find(2)->ended_as, SettledAs::kParked);
  EXPECT_THAT(window.CoveredUpTo(2), ElementsAre(1));
}

TEST(AckWindow, WhatIsAbandonedKeepsItsNumbersUntilTheClientIsPastThem) {
  AckWindow window = WithSent(2);
  window.Abandon(Key(1));
  EXPECT_EQ(window.in_flight(), 1U);
  EXPECT_EQ(window.Find(1)->ended_as, SettledAs::kAbandoned);
  window.Add({.key = Key(1), .attempt = 1, .replay = {77}});
  window.ForgetAbandoned(Key(1));
  EXPECT_EQ(window.Find(1), nullptr);
  EXPECT_EQ(window.InFlight(Key(1)), 3U);
}

TEST(AckWindow, WhatIsAbandonedStaysSoWhenItsReplayFails) {
  AckWindow window = WithSent(1);
  window.Abandon(Key(1));
  window.Add({.key = Key(1), .attempt = 1, .replay = {77}});
  window.Park(Key(1));
  EXPECT_EQ(window.Find(1)->ended_as, SettledAs::kAbandoned);
  EXPECT_EQ(window.Find(2)->ended_as, SettledAs::kParked);
}

TEST(AckWindow, RemembersOnlySoManyThatComeNoMore) {
  AckWindow window = WithSent(kEndedRememberedMax + 1);
  for (std::uint64_t number = 1; number <= kEndedRememberedMax + 1; ++number) {
    window.End(number, State::kLate);
    window.Park(Key(number));
  }
  EXPECT_EQ(window.Find(1), nullptr);
  EXPECT_NE(window.Find(2), nullptr);
  window.Forget(Key(2));
  window.Add({.key = Key(9'000), .attempt = 1});
  window.End(kEndedRememberedMax + 2, State::kLate);
  window.Park(Key(9'000));
  EXPECT_NE(window.Find(3), nullptr);
}

TEST(AckWindow, RemembersOnlyTheNewestNumbersOfADelivery) {
  AckWindow window = WithSent(1);
  for (std::uint64_t number = 1; number <= kNumbersRememberedMax; ++number) {
    window.End(number, State::kLate);
    window.Add({.key = Key(1), .attempt = 1});
  }
  EXPECT_EQ(window.Find(1), nullptr);
  EXPECT_NE(window.Find(2), nullptr);
  EXPECT_EQ(window.CoveredUpTo(window.last_number()).size(), kNumbersRememberedMax);
}

TEST(AckWindow, DropsARangeUnderWhateverNumberButNotWhatIsInFlight) {
  AckWindow window = WithSent(4);
  for (const std::uint64_t number : {1, 2, 3}) window.End(number, State::kLate);
  window.Add({.key = Key(2), .attempt = 2});
  window.Drop(kRoomId, {Seq{2}, Seq{4}});
  EXPECT_EQ(window.Find(1)->state, State::kLate);
  EXPECT_EQ(window.Find(2)->state, State::kDropped);
  EXPECT_EQ(window.Find(3)->state, State::kDropped);
  EXPECT_EQ(window.Find(4)->state, State::kInFlight);
  EXPECT_EQ(window.Find(5)->state, State::kInFlight);
}

TEST(AckWindow, DroppingAllLeavesNothingForUpTo) {
  AckWindow window = WithSent(2);
  window.End(1, State::kLate);
  window.End(2, State::kLate);
  window.Park(Key(2));
  window.DropBeyond(0);
  EXPECT_THAT(window.CoveredUpTo(2), IsEmpty());
  EXPECT_NE(window.Find(1), nullptr);
}

TEST(AckWindow, DroppingWhatIsBeyondLeavesTheRestForUpTo) {
  AckWindow window = WithSent(3);
  for (const std::uint64_t number : {1, 2, 3}) window.End(number, State::kLate);
  window.DropBeyond(2);
  EXPECT_THAT(window.CoveredUpTo(3), ElementsAre(1, 2));
}

TEST(AckWindow, WhatWasCutGoesOnWithItsDeadline) {
  AckWindow window = WithSent(2);
  window.SetDeadline(1, FromUnixMs(500));
  window.End(1, State::kLate);
  window.MarkCut(1);
  EXPECT_EQ(window.NextDeadline(), std::nullopt);
  ASSERT_THAT(window.FindCut(2), ElementsAre(1));
  window.GoOn(1);
  EXPECT_THAT(window.AllInFlight(), ElementsAre(1, 2));
  EXPECT_EQ(window.in_flight(), 2U);
  EXPECT_EQ(window.in_flight(kRoomId), 2U);
  EXPECT_EQ(window.NextDeadline(), FromUnixMs(500));
  EXPECT_TRUE(window.Find(1)->went_on);
  EXPECT_THAT(window.FindCut(2), IsEmpty());
}

TEST(AckWindow, OnlyWhatIsStillOwedAsItWasSentIsCut) {
  AckWindow window = WithSent(6);
  for (const std::uint64_t number : {1, 2, 3, 4, 5, 6}) window.End(number, State::kLate);
  for (const std::uint64_t number : {2, 3, 4, 5, 6}) window.MarkCut(number);
  window.Park(Key(3));
  window.Drop(kRoomId, {Seq{4}, Seq{4}});
  window.Add({.key = Key(5), .attempt = 2});
  EXPECT_THAT(window.FindCut(5), ElementsAre(2));
  EXPECT_THAT(window.FindCut(7), ElementsAre(2, 6));
}

TEST(AckWindow, ForgetsOneChannelAndLeavesTheOthers) {
  AckWindow window = WithSent(2);
  const ChannelId other{2};
  window.Add({.key = Key(1, other), .attempt = 1});
  window.Forget(kRoomId);
  EXPECT_THAT(window.AllInFlight(), ElementsAre(3));
  EXPECT_EQ(window.Find(1), nullptr);
}

}  // namespace
}  // namespace ackwire
