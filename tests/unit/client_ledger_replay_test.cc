// Deliveries of replays, beside what is owed.
#include "tests/unit/client_ledger_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ClientLedgerReplayTest : public ClientLedgerTest {
 protected:
  // A room of five messages, of which the client has parked 1 to 3 and acknowledged 4.
  explicit ClientLedgerReplayTest(std::uint32_t max_disconnects = 10) {
    policy.max_disconnects = max_disconnects;
    policy.retry = {.backoff = {Duration(1'000)}, .max_attempts = 2};
    Subscribed(kRoom, 5);
    (void)SendAll();
    Refuse({.deliveries = {1}, .reason = "no", .final = true});
    After(kPauseAfterNack);
    (void)SendAll();
    Refuse({.deliveries = {6}, .reason = "no", .final = true});
    After(kPauseAfterNack);
    (void)SendAll();
    Refuse({.deliveries = {10}, .reason = "no", .final = true});
    After(kPauseAfterNack);
    (void)SendAll();
    Ack({13});
    EXPECT_EQ(Row().parked(), 3U);
    Reconnect();
    (void)SendAll();
    (void)Events();
  }
};

TEST_F(ClientLedgerReplayTest, SendsThemInOrderAsFurtherAttempts) {
  Replay({2, 1});
  EXPECT_THAT(SendReplays(), ElementsAre(1, 2));
  EXPECT_EQ(attempts[2], 7U);
  EXPECT_THAT(SendReplays(), IsEmpty());
}

TEST_F(ClientLedgerReplayTest, AcknowledgesThemAndSaysSoToTheReplay) {
  Replay({1, 2, 3});
  (void)SendReplays();
  Ack({2, 3});
  EXPECT_THAT(Events(), ElementsAre("acked 1-2, replayed", "replay 77: 1-2 ACKED"));
}

TEST_F(ClientLedgerReplayTest, AnAcknowledgementUpToCoversThem) {
  Replay({1, 2});
  (void)SendReplays();
  AckUpTo(3);
  EXPECT_THAT(Events(), ElementsAre("acked 5", "acked 1-2, replayed", "replay 77: 1-2 ACKED"));
}

TEST_F(ClientLedgerReplayTest, OfWhatWasAcknowledgedBeforeOnlyTheReplayIsTold) {
  Replay({4}, SettledAs::kAcked);
  (void)SendReplays();
  Ack({2});
  EXPECT_THAT(Events(), ElementsAre("replay 77: 4 ACKED"));
}

TEST_F(ClientLedgerReplayTest, TriesThemAgainUntilTheirAttemptsAreUsedUp) {
  Replay({1});
  (void)SendReplays();
  Nack({2});
  EXPECT_THAT(Events(), ElementsAre("nack 1 counted, replayed"));
  EXPECT_THAT(SendReplays(), IsEmpty());
  After(Duration(2'000));
  EXPECT_THAT(SendReplays(), ElementsAre(1));
  EXPECT_EQ(attempts[3], 8U);
  After(kAckWait);
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted, replayed", "ack_timeout 5 counted",
                                    "replay 77: 1 FAILED max_attempts"));
  EXPECT_EQ(Row().parked(), 3U) << "it stays parked";
}

TEST_F(ClientLedgerReplayTest, EndsThemAtOnceWhenTheyAreRejected) {
  Replay({1});
  (void)SendReplays();
  Refuse({.deliveries = {2}, .reason = "never", .final = true});
  EXPECT_THAT(Events(),
              ElementsAre("rejected 1 counted, replayed", "replay 77: 1 FAILED rejected"));
}

TEST_F(ClientLedgerReplayTest, AreNotRecalledByAnotherFailure) {
  Replay({3});
  (void)SendReplays();
  Replay({1});
  (void)SendReplays();
  Nack({3});
  EXPECT_THAT(Events(), ElementsAre("nack 1 counted, replayed"));
  Ack({2});
  EXPECT_THAT(Events(), ElementsAre("acked 3, replayed", "replay 77: 3 ACKED"));
}

TEST_F(ClientLedgerReplayTest, HoldUpNothing) {
  Replay({1});
  (void)SendReplays();
  Nack({2});
  Publish(kRoom);
  EXPECT_THAT(SendAll(), ElementsAre(6));
}

TEST_F(ClientLedgerReplayTest, AreSentOnceHoweverOftenTheyAreHandedOver) {
  Replay({1});
  (void)SendReplays();
  Replay({1});
  EXPECT_THAT(SendReplays(), IsEmpty());
}

TEST_F(ClientLedgerReplayTest, ComeBackWithTheClient) {
  Replay({1, 2});
  (void)SendReplays();
  Disconnect();
  EXPECT_THAT(Events(), ElementsAre("disconnected 1-2, replayed", "disconnected 5"));
  Resume(1);
  EXPECT_THAT(SendReplays(), IsEmpty()) << "before they are handed over anew";
  Ack({2});
  EXPECT_THAT(Events(), ElementsAre("acked 5", "acked 1, replayed", "replay 77: 1 ACKED"));
  Replay({2});
  EXPECT_THAT(SendReplays(), ElementsAre(2));
}

class ClientLedgerReplayGivenUp : public ClientLedgerReplayTest {
 protected:
  ClientLedgerReplayGivenUp() : ClientLedgerReplayTest(2) {}
};

TEST_F(ClientLedgerReplayGivenUp, AreGivenUpWhenTheyAreTheOldestOfTooManyDisconnections) {
  Replay({1});
  (void)SendReplays();
  Disconnect();
  Reconnect();
  Replay({1});
  (void)SendReplays();
  (void)SendAll();
  (void)Events();
  Disconnect();
  EXPECT_THAT(Events(), ElementsAre("disconnected 1, replayed", "disconnected 5",
                                    "replay 77: 1 FAILED max_attempts"));
  EXPECT_EQ(Row().parked(), 3U);
}

TEST_F(ClientLedgerReplayTest, AreNotTriedAgainOnceTheyWereTakenBack) {
  Replay({1});
  (void)SendReplays();
  EXPECT_THAT(ledger().WithdrawReplay({77}), IsEmpty());
  Nack({2});
  After(Duration(2'000));
  EXPECT_THAT(SendReplays(), IsEmpty());
  EXPECT_THAT(Events(), ElementsAre("nack 1 counted, replayed"));
}

TEST_F(ClientLedgerReplayTest, AreNotSentTwiceWhenTheyAreTakenBackAndHandedOverAnew) {
  Replay({1});
  (void)SendReplays();
  (void)ledger().WithdrawReplay({77});
  Replay({1});
  EXPECT_THAT(SendReplays(), IsEmpty());
  Nack({2});
  After(Duration(2'000));
  EXPECT_THAT(SendReplays(), ElementsAre(1));
}

TEST_F(ClientLedgerReplayTest, OfOneThatIsPausedCountWhenTheyAreAcknowledgedForAnother) {
  Replay({1});
  (void)SendReplays();
  (void)ledger().WithdrawReplay({77});
  Replay({1}, SettledAs::kParked, {78});
  Ack({2});
  EXPECT_THAT(Events(),
              ElementsAre("acked 1, replayed", "replay 77: 1 ACKED", "replay 78: 1 ACKED"));
}

TEST_F(ClientLedgerReplayTest, ThatWereRefusedAreNotCoveredUnderAnEarlierNumber) {
  Replay({1});
  (void)SendReplays();
  After(policy.ack_wait);
  ledger().Tick(now);
  After(Duration(2'000));
  EXPECT_THAT(SendReplays(), ElementsAre(1));
  const std::uint64_t number = ledger().sent().last_number();
  (void)Events();
  Refuse({.deliveries = {number}, .final = true});
  AckUpTo(number);
  EXPECT_THAT(Events(), testing::Not(testing::Contains(testing::HasSubstr("ACKED"))));
}

// Whoever hands them over has looked before that was on record.
TEST_F(ClientLedgerReplayTest, AreNotSentOnceTheyWereAcknowledgedOrDismissedHere) {
  Replay({1});
  (void)SendReplays();
  Ack({2});
  store::Event dismissal;
  dismissal.mutable_abandoned()->set_channel(IdOf(kRoom).value);
  dismissal.mutable_abandoned()->add_unparked(2);
  ledger().Apply(dismissal, now);
  (void)Events();
  Replay({1, 2, 3}, SettledAs::kParked, {78});
  EXPECT_THAT(SendReplays(), ElementsAre(3));
  EXPECT_THAT(Events(), ElementsAre("replay 78: 1 SKIPPED", "replay 78: 2 SKIPPED dismissed"));
  // By whom that is known.
  Replay({1}, SettledAs::kAcked, {79});
  Replay({2}, SettledAs::kAbandoned, {79});
  EXPECT_THAT(SendReplays(), ElementsAre(1, 2));
}

TEST_F(ClientLedgerReplayTest, LeaveHalfOfTheWindowToWhatIsOwed) {
  window = 4;
  Reconnect();
  (void)SendAll();
  Replay({1, 2, 3});
  EXPECT_THAT(SendReplays(), ElementsAre(1, 2));
  Publish(kRoom);
  EXPECT_THAT(SendAll(), ElementsAre(6));
}

TEST_F(ClientLedgerReplayTest, AreSkippedWhenTheSubscriptionEnds) {
  Replay({1, 2});
  (void)SendReplays();
  ledger().RemoveSubscription(IdOf(kRoom), now);
  EXPECT_THAT(Events(), ElementsAre("replay 77: 1-2 SKIPPED unsubscribed"));
  Replay({3});
  EXPECT_THAT(Events(), ElementsAre("replay 77: 3 SKIPPED no_subscription"));
}

TEST_F(ClientLedgerReplayTest, AreTakenBackUnlessTheyAreInFlight) {
  Replay({1});
  (void)SendReplays();
  Replay({2, 3});
  EXPECT_THAT(ledger().WithdrawReplay({77}),
              ElementsAre(DeliveryKey{IdOf(kRoom), {2}}, DeliveryKey{IdOf(kRoom), {3}}));
  EXPECT_THAT(SendReplays(), IsEmpty());
  Ack({2});
  EXPECT_THAT(Events(), ElementsAre("acked 1, replayed", "replay 77: 1 ACKED"));
}

TEST_F(ClientLedgerReplayTest, WaitForRoomInTheWindow) {
  window = 2;
  Reconnect();
  (void)SendAll();
  Replay({1, 2});
  EXPECT_THAT(SendReplays(), ElementsAre(1));
  EXPECT_FALSE(ledger().NextEvent() && *ledger().NextEvent() <= now) << "nothing is due by time";
  Ack({2});
  EXPECT_THAT(SendReplays(), ElementsAre(2));
}

}  // namespace
}  // namespace ackwire
