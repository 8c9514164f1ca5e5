#include "store/lost_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/channel_ids.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Place At(std::uint64_t position, ChannelId channel, std::uint64_t seq) {
  return {{position}, channel, {seq}};
}
Place Unknown(std::uint64_t position) { return {{position}, {}, {}}; }

class LostPlacesTest : public testing::Test {
 protected:
  void Survived(const std::vector<Place>& all) {
    for (const Place& place : all) ASSERT_TRUE(places_.Survived(place).ok());
  }
  StatusOr<std::vector<Place>> TryDecide() {
    return places_.Decide({.position_of =
                               [this](ChannelId channel, Seq seq) {
                                 const auto found = index_.find({channel, seq});
                                 return found == index_.end() ? std::nullopt
                                                              : std::optional(found->second);
                               },
                           .last = last_});
  }
  std::vector<Place> Decide() { return TryDecide().value(); }

  LostPlaces places_;
  std::map<std::pair<ChannelId, Seq>, Position> index_;
  absl::btree_map<ChannelId, Seq> last_;
};

TEST_F(LostPlacesTest, FindsNothingInALogThatIsWhole) {
  Survived({At(1, kRoomId, 1), At(2, kHallId, 1), At(3, kRoomId, 2)});
  EXPECT_THAT(Decide(), ElementsAre());
}

TEST_F(LostPlacesTest, PutsAMissingSeqBetweenItsNeighbours) {
  Survived({At(1, kRoomId, 1), At(3, kRoomId, 3)});
  EXPECT_THAT(Decide(), ElementsAre(At(2, kRoomId, 2)));
}

TEST_F(LostPlacesTest, GivesAPositionToTheSeqThatMustComeSoonest) {
  // Hall's seq 2 must be before 4, room's before 5: only one order does.
  Survived({At(1, kRoomId, 1), At(4, kHallId, 2), At(5, kRoomId, 3)});
  EXPECT_THAT(Decide(), ElementsAre(At(2, kHallId, 1), At(3, kRoomId, 2)));
}

TEST_F(LostPlacesTest, FollowsTheIndexWhereItSurvived) {
  Survived({At(1, kRoomId, 1), At(4, kHallId, 2), At(5, kRoomId, 3)});
  index_[{kRoomId, {2}}] = {2};
  EXPECT_THAT(Decide(), ElementsAre(At(2, kRoomId, 2), At(3, kHallId, 1)));
}

TEST_F(LostPlacesTest, DoesNotFollowAnIndexThatContradictsTheLog) {
  Survived({At(1, kRoomId, 1), At(3, kRoomId, 3)});
  index_[{kRoomId, {2}}] = {1};
  EXPECT_THAT(Decide(), ElementsAre(At(2, kRoomId, 2)));
}

TEST_F(LostPlacesTest, SaysOfAPositionThatNothingTellsOfThatItIsUnknown) {
  Survived({At(1, kRoomId, 1), At(3, kRoomId, 2)});
  EXPECT_THAT(Decide(), ElementsAre(Unknown(2)));
}

TEST_F(LostPlacesTest, KnowsTheEndOfAChannelByWhatNamesIt) {
  Survived({At(1, kRoomId, 1), At(4, kRoomId, 2)});
  last_[kHallId] = {3};
  EXPECT_THAT(Decide(), ElementsAre(At(2, kHallId, 1), At(3, kHallId, 2), At(0, kHallId, 3)))
      << "the third was behind the end";
}

TEST_F(LostPlacesTest, KnowsWhatWasBehindTheEndByTheIndex) {
  Survived({At(1, kRoomId, 1), At(2, kRoomId, 2)});
  last_[kRoomId] = {4};
  index_[{kRoomId, {3}}] = {3};
  index_[{kRoomId, {4}}] = {7};
  EXPECT_THAT(Decide(), ElementsAre(At(3, kRoomId, 3), At(7, kRoomId, 4)));
}

TEST_F(LostPlacesTest, PrefersSeqsThatHaveNoOtherPlace) {
  last_[kHallId] = {9};
  Survived({At(2, kRoomId, 2)});
  const std::vector<Place> decided = Decide();
  EXPECT_EQ(decided.front(), At(1, kRoomId, 1));
  EXPECT_EQ(decided.size(), 10U);
}

TEST_F(LostPlacesTest, LeavesWhatAnEarlierRecoveryDidNotKnow) {
  Survived({At(1, kRoomId, 1), Unknown(2), At(3, kRoomId, 2)});
  EXPECT_THAT(Decide(), ElementsAre());
}

TEST_F(LostPlacesTest, RefusesALogThatContradictsItself) {
  Survived({At(1, kRoomId, 1)});
  const Status twice = places_.Survived(At(2, kRoomId, 1));
  EXPECT_EQ(twice.code(), StatusCode::kDataLoss);
  EXPECT_THAT(MessageOf(twice), HasSubstr("position 2 holds seq 1"));
  ASSERT_TRUE(places_.Survived(At(3, kRoomId, 5)).ok());
  EXPECT_THAT(MessageOf(TryDecide().status()), HasSubstr("no position that could have held it"));
}

}  // namespace
}  // namespace ackwire
