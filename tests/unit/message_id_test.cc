#include "store/message_id.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace ackwire {
namespace {

TEST(MessageId, IsAUuidOfVersionSeven) {
  Rng rng(1);
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (int i = 0; i < 1000; ++i) {
    const std::string id = MakeUuidV7(FromUnixMs(1'795'305'600'000 + i), rng);
    EXPECT_TRUE(std::regex_match(id, uuid)) << id;
  }
}

// The time of RFC 9562's example, A.6.
TEST(MessageId, BeginsWithItsTime) {
  Rng rng(1);
  EXPECT_EQ(MakeUuidV7(FromUnixMs(0x017F22E279B0), rng).substr(0, 15), "017f22e2-79b0-7");
}

TEST(MessageId, OrdersByTime) {
  Rng rng(1);
  std::string last;
  for (std::int64_t ms = 1; ms < 1LL << 47U; ms *= 7) {
    const std::string id = MakeUuidV7(FromUnixMs(ms), rng);
    EXPECT_LT(last, id);
    last = id;
  }
}

TEST(MessageId, DiffersWithinOneMillisecond) {
  Rng rng(1);
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(MakeUuidV7(FromUnixMs(1), rng));
  EXPECT_EQ(ids.size(), 10'000U);
}

TEST(RandomHex, IsThirtyTwoDigitsThatFollowFromTheSeed) {
  Rng rng(5);
  Rng same(5);
  Rng other(6);
  const std::string hex = MakeRandomHex(rng);
  EXPECT_TRUE(std::regex_match(hex, std::regex("[0-9a-f]{32}"))) << hex;
  EXPECT_EQ(MakeRandomHex(same), hex);
  EXPECT_NE(MakeRandomHex(other), hex);
  EXPECT_NE(MakeRandomHex(rng), hex);
}

}  // namespace
}  // namespace ackwire
