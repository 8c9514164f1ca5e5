#include "delivery/replay_dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/channel_ids.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ReplayDispatchTest : public testing::Test {
 protected:
  void Open(const std::string& client, ChannelId channel, SeqRun seqs) {
    open_[{client, channel}].Add(seqs);
  }

  // "alice 1:1 1:2" for each batch.
  std::vector<std::string> Next() {
    std::vector<std::string> out;
    for (const auto& batch : dispatch_.Next(open_, now_)) {
      std::string text = batch.client;
      for (const DeliveryKey& key : batch.keys) {
        text += ' ' + std::to_string(key.channel.value) + ':' + std::to_string(key.seq.value);
      }
      out.push_back(text);
    }
    return out;
  }
  std::uint64_t CountIn(Duration duration) {
    std::uint64_t count = 0;
    for (Duration passed{}; passed < duration; passed += Duration(10)) {
      now_ += Duration(10);
      for (const auto& batch : dispatch_.Next(open_, now_)) {
        count += batch.keys.size();
        for (const DeliveryKey& key : batch.keys) Settle(batch.client, key);
      }
    }
    return count;
  }
  void Settle(const std::string& client, const DeliveryKey& key) {
    open_[{client, key.channel}].Remove({key.seq, key.seq});
    dispatch_.Return(client, key.channel, {key.seq, key.seq});
  }

  ReplayTable::Open open_;
  ReplayDispatch dispatch_;
  Timestamp now_ = FromUnixMs(1'000'000);
};

// It may be an earlier connection's end that is heard of.
TEST_F(ReplayDispatchTest, KnowsToWhomItHasHandedAlsoWhenTheyAreSaidToBeOffline) {
  dispatch_.SetRate(1000);
  Open("alice", kRoomId, {{1}, {1}});
  EXPECT_THAT(dispatch_.ClientsHandedTo(), IsEmpty());
  dispatch_.Online("alice");
  (void)Next();
  dispatch_.Offline("alice");
  EXPECT_THAT(dispatch_.ClientsHandedTo(), ElementsAre("alice"));
}

TEST_F(ReplayDispatchTest, HandsNothingToWhoIsNotConnected) {
  dispatch_.SetRate(1000);
  Open("alice", kRoomId, {{1}, {5}});
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_TRUE(dispatch_.idle());
}

TEST_F(ReplayDispatchTest, HandsEachDeliveryOverOnce) {
  dispatch_.SetRate(1000);
  Open("alice", kRoomId, {{1}, {2}});
  Open("alice", kHallId, {{7}, {7}});
  dispatch_.Online("alice");
  EXPECT_THAT(Next(), ElementsAre("alice 1:1 1:2 2:7"));
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_EQ(dispatch_.handed(), 3U);
}

TEST_F(ReplayDispatchTest, ClientsTakeTurns) {
  dispatch_.SetRate(1000);
  Open("alice", kRoomId, {{1}, {20}});
  Open("bob", kRoomId, {{1}, {2}});
  dispatch_.Online("alice");
  dispatch_.Online("bob");
  EXPECT_THAT(Next(), ElementsAre("alice 1:1 1:2 1:3 1:4 1:5 1:6 1:7 1:8 1:9 1:10 1:11 1:12 1:13 "
                                  "1:14 1:15 1:16",
                                  "bob 1:1 1:2", "alice 1:17 1:18 1:19 1:20"));
}

TEST_F(ReplayDispatchTest, KeepsToItsRate) {
  dispatch_.SetRate(50);
  Open("alice", kRoomId, {{1}, {10'000}});
  dispatch_.Online("alice");
  (void)Next();
  EXPECT_EQ(CountIn(Duration(10'000)), 500U);
  dispatch_.SetRate(2'000);
  EXPECT_EQ(CountIn(Duration(2'000)), 4'000U);
}

TEST_F(ReplayDispatchTest, GivesAClientNoMoreThanItsLaneTakes) {
  dispatch_.SetRate(100'000);
  Open("alice", kRoomId, {{1}, {10'000}});
  Open("bob", kRoomId, {{1}, {3}});
  dispatch_.Online("alice");
  (void)Next();
  EXPECT_EQ(dispatch_.handed(), kReplayLaneMax);
  dispatch_.Online("bob");
  now_ += Duration(10);
  EXPECT_THAT(Next(), ElementsAre("bob 1:1 1:2 1:3"));
  Settle("alice", {kRoomId, {1}});
  now_ += Duration(10);
  EXPECT_THAT(Next(), ElementsAre("alice 1:65"));
}

TEST_F(ReplayDispatchTest, WhatALostClientHadIsOpenAgain) {
  dispatch_.SetRate(1000);
  Open("alice", kRoomId, {{1}, {2}});
  dispatch_.Online("alice");
  (void)Next();
  Settle("alice", {kRoomId, {1}});
  dispatch_.Offline("alice");
  EXPECT_EQ(dispatch_.handed(), 0U);
  now_ += Duration(1000);
  EXPECT_THAT(Next(), IsEmpty());
  dispatch_.Online("alice");
  EXPECT_THAT(Next(), ElementsAre("alice 1:2"));
}

TEST_F(ReplayDispatchTest, SavesUpNoRateWhileNobodyIsThere) {
  dispatch_.SetRate(100);
  Open("alice", kRoomId, {{1}, {1'000}});
  (void)Next();
  now_ += Duration(60'000);
  dispatch_.Online("alice");
  (void)Next();
  EXPECT_LE(dispatch_.handed(), 10U);
}

}  // namespace
}  // namespace ackwire
