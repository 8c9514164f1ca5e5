// What the policies of channels do in a session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client_ledger_fixture.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ClientLedgerPolicy : public ClientLedgerTest {
 protected:
  static constexpr const char* kFast = "fast/1";
  Timestamp DueOf(const std::string& channel, std::uint64_t seq) {
    return rows.entries[IdOf(channel)].retries().at(Seq{seq}).due;
  }
};

TEST_F(ClientLedgerPolicy, EveryChannelHasItsOwnAckWait) {
  SetPolicies({{"fast/*", {.ack_wait = Duration(1'000)}}});
  Subscribed(kRoom, 1);
  Subscribed(kFast, 1);
  SendAll();
  After(Duration(1'000));
  EXPECT_THAT(Events(), ElementsAre("ack_timeout 1 counted"));
  EXPECT_EQ(rows.entries[IdOf(kFast)].retries().size(), 1U);
  After(kAckWait - Duration(1'000));
  EXPECT_EQ(rows.entries[IdOf(kRoom)].retries().size(), 0U);
  Events();
  EXPECT_EQ(rows.entries[IdOf(kRoom)].retries().size(), 1U);
}

TEST_F(ClientLedgerPolicy, EveryChannelHasItsOwnBackoffAndAttempts) {
  SetPolicies({{"fast/*", {.retry = {.backoff = {Duration(10)}, .max_attempts = 1}}}});
  Subscribed(kFast, 1);
  Subscribed(kRoom, 1);
  SendAll();
  Nack({1, 2});
  Events();
  EXPECT_EQ(rows.entries[IdOf(kFast)].parked(), 1U);
  EXPECT_EQ(rows.entries[IdOf(kRoom)].parked(), 0U);
  EXPECT_GE(DueOf(kRoom, 1), now + Duration(800));
}

TEST_F(ClientLedgerPolicy, AChannelKeepsToItsShareOfTheWindow) {
  window = 4;
  SetPolicies({{"fast/*", {.window = 2}}});
  Subscribed(kFast, 10);
  EXPECT_EQ(SendAll(), Seqs({1, 2}));
  EXPECT_TRUE(ledger().IsFull(IdOf(kFast)));
  Subscribed(kRoom, 10);
  EXPECT_FALSE(ledger().IsFull(IdOf(kRoom)));
  EXPECT_EQ(SendAll(), Seqs({1, 2}));
  EXPECT_TRUE(ledger().IsFull(IdOf(kRoom)));
  Ack({1});
  EXPECT_EQ(SendAll(), Seqs({3}));
  EXPECT_EQ(channels_sent.back(), IdOf(kFast).value);
}

TEST_F(ClientLedgerPolicy, WhatFailsAndIsParkedMakesRoomInTheShare) {
  SetPolicies({{"fast/*", {.ordering = Ordering::kUnordered, .window = 1}}});
  Subscribed(kFast, 3);
  EXPECT_EQ(SendAll(), Seqs({1}));
  Nack({1});
  EXPECT_EQ(SendAll(), Seqs({2}));
  Refuse({.deliveries = {2}, .final = true});
  EXPECT_EQ(SendAll(), Seqs({3}));
}

TEST_F(ClientLedgerPolicy, AReplayTakesNothingFromTheShare) {
  SetPolicies({{kRoom, {.window = 1}}});
  Subscribed(kRoom, 2);
  SendAll();
  Refuse({.deliveries = {1}, .final = true});
  After(kPauseAfterNack);
  Replay({1});
  EXPECT_EQ(SendReplays(), Seqs({1}));
  EXPECT_EQ(SendAll(), Seqs({2}));
}

TEST_F(ClientLedgerPolicy, ChangesHoldForWhatIsSentAndFailsFromThenOn) {
  Subscribed(kRoom, 3);
  SetPolicies({{kRoom, {.ack_wait = Duration(1'000), .window = 1}}});
  EXPECT_EQ(SendAll(), Seqs({1}));
  SetPolicies({});
  EXPECT_EQ(SendAll(), Seqs({2, 3}));
  After(Duration(1'000));
  EXPECT_THAT(Events(), UnorderedElementsAre("ack_timeout 1 counted", "recalled 2-3"));
}

TEST_F(ClientLedgerPolicy, AChannelThatBecomesUnorderedWaitsForNothingMore) {
  Subscribed(kRoom, 3);
  SendAll();
  Nack({1});
  After(kPauseAfterNack);
  EXPECT_THAT(SendAll(), IsEmpty());
  SetPolicies({{kRoom, {.ordering = Ordering::kUnordered}}});
  EXPECT_EQ(SendAll(), Seqs({2, 3}));
}

TEST_F(ClientLedgerPolicy, AChannelThatBecomesOrderedWaits) {
  SetPolicies({{kRoom, {.ordering = Ordering::kUnordered}}});
  Subscribed(kRoom, 2);
  SendAll();
  Nack({1});
  SetPolicies({});
  Publish(kRoom);
  EXPECT_THAT(SendAll(), IsEmpty());
}

}  // namespace
}  // namespace ackwire
