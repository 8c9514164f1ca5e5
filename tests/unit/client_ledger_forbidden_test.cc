// What a ClientLedger does when its session's token does not allow a channel.
#include "delivery/caller.h"
#include "tests/unit/client_ledger_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientLedgerForbiddenTest : public ClientLedgerTest {
 protected:
  void Allow(const std::vector<std::string>& channels) {
    ledger().SetCaller(Caller(Claims{.user = "alice", .subscribe = channels}), now);
  }
};

TEST_F(ClientLedgerForbiddenTest, SendsWhatIsAllowedAndTellsOnceOfTheRest) {
  Subscribed(kRoom, 3);
  Subscribed("hall", 1);
  Allow({"hall"});
  EXPECT_THAT(SendAll(), ElementsAre(1));
  EXPECT_EQ(channels_sent.back(), IdOf("hall").value);
  EXPECT_THAT(Events(), ElementsAre("forbidden 1"));
  Publish(kRoom);
  EXPECT_THAT(SendAll(), IsEmpty());
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(ClientLedgerForbiddenTest, WhatIsInFlightFailsUncountedAndComesAgainOnceAllowed) {
  Subscribed(kRoom, 2);
  ASSERT_THAT(SendAll(), ElementsAre(1, 2));
  Allow({"hall"});
  EXPECT_EQ(ledger().sent().in_flight(), 0U);
  EXPECT_EQ(ledger().Ack({1}, now).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(ledger().Nack({.deliveries = {2}, .final = true}, now).code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(ledger().undelivered(), 2U);
  Allow({kRoom});
  EXPECT_THAT(SendAll(), ElementsAre(1, 2));
  EXPECT_EQ(attempts.at(3), 2U);
  Ack({3, 4});
  EXPECT_EQ(ledger().undelivered(), 0U);
}

TEST_F(ClientLedgerForbiddenTest, WhatIsDueLaterIsToldThen) {
  constexpr Duration kDelay{60'000};
  Subscribed(kRoom, 1);
  ASSERT_THAT(SendAll(), ElementsAre(1));
  Refuse({.deliveries = {1}, .delay = kDelay});
  (void)Events();
  Allow({"hall"});
  EXPECT_THAT(SendAll(), IsEmpty());
  EXPECT_THAT(Events(), IsEmpty());
  now += kDelay;
  EXPECT_THAT(SendAll(), IsEmpty());
  EXPECT_THAT(Events(), ElementsAre("forbidden 1"));
}

TEST_F(ClientLedgerForbiddenTest, AnAcknowledgementOfWhatCameLaterDoesNotCoverIt) {
  Subscribed(kRoom, 1);
  ASSERT_THAT(SendAll(), ElementsAre(1));
  Subscribed("hall", 1);
  ASSERT_THAT(SendAll(), ElementsAre(1));
  Allow({"hall"});
  AckUpTo(2);
  EXPECT_EQ(ledger().FindFeed(kRoom)->undelivered(), 1U);
  EXPECT_EQ(ledger().FindFeed("hall")->undelivered(), 0U);
}

TEST_F(ClientLedgerForbiddenTest, AReplayFailsForIt) {
  Subscribed(kRoom, 1);
  Replay({1}, SettledAs::kAcked);
  Allow({"hall"});
  EXPECT_THAT(SendReplays(), IsEmpty());
  EXPECT_FALSE(ledger().lane().Has({IdOf(kRoom), Seq{1}}));
}

TEST_F(ClientLedgerForbiddenTest, ASubscriptionMadeLaterIsJudgedToo) {
  Subscribed("hall", 0);
  Allow({"hall"});
  Subscribed(kRoom, 1);
  EXPECT_TRUE(ledger().IsForbidden(IdOf(kRoom)));
  EXPECT_THAT(SendAll(), IsEmpty());
}

}  // namespace
}  // namespace ackwire
