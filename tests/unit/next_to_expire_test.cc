#include "delivery/next_to_expire.h"

#include <gtest/gtest.h>

#include <set>

namespace ackwire {
namespace {

// So many seconds after the beginning.
constexpr Timestamp Second(std::int64_t seconds) { return FromUnixMs(seconds * 1'000); }

std::string NameOf(std::size_t n) { return "client-" + std::to_string(n); }

// A look at so many subscribers, each seen a second after the one before, from second 1 on.
void Look(NextToExpire& next, std::size_t subscribers) {
  next.Begin(Second(100'000));
  for (std::size_t n = subscribers; n > 0; --n) {
    next.Saw(NameOf(n), Second(static_cast<std::int64_t>(n)));
  }
  next.End();
}

TEST(NextToExpire, KnowsNothingBeforeTheFirstLook) {
  EXPECT_TRUE(NextToExpire().NeedsLook(Second(0)));
  EXPECT_EQ(NextToExpire().Take(Second(100)), std::nullopt);
}

TEST(NextToExpire, OfNobodyItIsTimeForALookWhenThoseWhoCameSinceMayBeGone) {
  NextToExpire next;
  next.Begin(Second(10));
  next.End();
  EXPECT_FALSE(next.NeedsLook(Second(9)));
  EXPECT_TRUE(next.NeedsLook(Second(10)));
}

TEST(NextToExpire, OfAFewAllAreLookedAtWhenTheFirstMayBeGone) {
  NextToExpire next;
  Look(next, kManySubscribers);
  EXPECT_FALSE(next.NeedsLook(Second(0)));
  EXPECT_TRUE(next.NeedsLook(Second(1)));
  EXPECT_EQ(next.Take(Second(1)), std::nullopt) << "no names are kept";
}

TEST(NextToExpire, OfManyTheFirstAreKnownByName) {
  NextToExpire next;
  Look(next, kManySubscribers + 1);
  EXPECT_EQ(next.Take(Second(0)), std::nullopt);
  for (std::size_t n = 1; n <= kNextToExpireMax; ++n) {
    const Timestamp unseen_since = Second(static_cast<std::int64_t>(n));
    EXPECT_FALSE(next.NeedsLook(unseen_since));
    EXPECT_EQ(next.Take(unseen_since), NameOf(n));
    EXPECT_EQ(next.Take(unseen_since), std::nullopt);
  }
  EXPECT_TRUE(next.NeedsLook(Second(kNextToExpireMax + 1)));
}

TEST(NextToExpire, WhoWasSeenSinceComesLater) {
  NextToExpire next;
  Look(next, kManySubscribers + 1);
  EXPECT_EQ(next.Take(Second(1)), NameOf(1));
  next.Saw(NameOf(1), Second(3));
  EXPECT_EQ(next.Take(Second(2)), NameOf(2));
  EXPECT_EQ(next.Take(Second(2)), std::nullopt);
  const std::set<std::string> at_three{next.Take(Second(3)).value(), next.Take(Second(3)).value()};
  EXPECT_EQ(at_three, (std::set<std::string>{NameOf(1), NameOf(3)}));
  // Behind those who are known by name it is one of the others again.
  next.Saw(NameOf(3), Second(50'000));
  EXPECT_EQ(next.Take(Second(4)), NameOf(4));
}

}  // namespace
}  // namespace ackwire
