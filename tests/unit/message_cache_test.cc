#include "delivery/message_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "store/proto_time.h"
#include "tests/unit/channel_ids.h"

namespace ackwire {
namespace {

using ::testing::IsNull;
using ::testing::NotNull;

constexpr std::size_t kMiB = 1ULL << 20U;

StoredMessage Message(std::uint64_t seq, const std::string& payload = "hi",
                      ChannelId channel = kRoomId) {
  StoredMessage stored{.channel = channel};
  stored.message.set_seq(seq);
  stored.message.set_content_type("text/plain");
  stored.message.set_payload(payload);
  return stored;
}
// Three of these are within the cache's bound, four are not.
StoredMessage Large(std::uint64_t seq) { return Message(seq, std::string(10 * kMiB, 'x')); }

class MessageCacheTest : public ::testing::Test {
 protected:
  auto Find(std::uint64_t seq, ChannelId channel = kRoomId) {
    return cache.Find({channel, Seq{seq}}, frame::Form::kJson);
  }

  auto Put(const StoredMessage& stored) { return cache.Put(stored, kOnlyJson); }

  static constexpr MessageCache::Forms kOnlyJson = {true, false};
  MessageCache cache;
};

TEST_F(MessageCacheTest, ForgetsWhatWasRemoved) {
  for (const std::uint64_t seq : {1, 2, 3}) (void)Put(Message(seq));
  (void)Put(Message(2, "hi", ChannelId{2}));
  SeqRuns seqs;
  seqs.Add({Seq{2}, Seq{9}});
  cache.Forget(kRoomId, seqs);
  EXPECT_THAT(Find(1), NotNull());
  EXPECT_THAT(Find(2), IsNull());
  EXPECT_THAT(Find(3), IsNull());
  EXPECT_THAT(Find(2, ChannelId{2}), NotNull());
}

TEST_F(MessageCacheTest, HasNothingAtFirst) { EXPECT_THAT(Find(1), IsNull()); }

TEST_F(MessageCacheTest, FindsAMessageAsItGoesToClients) {
  StoredMessage stored = Message(7, "hello");
  SetTime(*stored.message.mutable_published_at(), FromUnixMs(1'000));
  SetTime(*stored.message.mutable_expires_at(), FromUnixMs(3'000));
  (void)Put(stored);
  const auto found = Find(7);
  ASSERT_THAT(found, NotNull());
  EXPECT_EQ(boost::json::parse(found->In(frame::Form::kJson)).at("payload"), "hello");
  EXPECT_EQ(boost::json::parse(found->In(frame::Form::kJson)).at("seq"), 7);
  EXPECT_EQ(found->published_at, FromUnixMs(1'000));
  EXPECT_EQ(found->expires_at, FromUnixMs(3'000));
}

TEST_F(MessageCacheTest, AMessageWithoutATtlDoesNotExpire) {
  EXPECT_EQ(Put(Message(1))->expires_at, std::nullopt);
}

TEST_F(MessageCacheTest, EncodesAMessageOnceForAllThatAskForIt) {
  const auto first = Put(Message(1));
  EXPECT_EQ(Put(Message(1)), first);
  EXPECT_EQ(Find(1), first);
}

TEST_F(MessageCacheTest, HasAMessageInTheFormsThatWereAskedFor) {
  const auto as_json = Put(Message(1));
  EXPECT_THAT(cache.Find({kRoomId, Seq{1}}, frame::Form::kBinary), IsNull());
  const auto as_both = cache.Put(Message(1), {true, true});
  EXPECT_EQ(as_both->In(frame::Form::kJson), as_json->In(frame::Form::kJson));
  v1::Message parsed;
  ASSERT_TRUE(parsed.ParseFromString(as_both->In(frame::Form::kBinary)));
  EXPECT_EQ(parsed.payload(), "hi");
  EXPECT_EQ(cache.Find({kRoomId, Seq{1}}, frame::Form::kBinary), as_both);
  EXPECT_EQ(cache.Put(Message(1), {false, true}), as_both) << "it has more than is asked for";
  EXPECT_EQ(as_json->In(frame::Form::kBinary), "") << "who holds it sees no change";
}

TEST_F(MessageCacheTest, TellsChannelsAndSeqsApart) {
  const auto one = Put(Message(1, "one", ChannelId{1}));
  const auto two = Put(Message(1, "two", ChannelId{2}));
  EXPECT_NE(one, two);
  EXPECT_EQ(Find(1, ChannelId{1}), one);
  EXPECT_EQ(Find(1, ChannelId{2}), two);
  EXPECT_THAT(Find(2, ChannelId{1}), IsNull());
}

TEST_F(MessageCacheTest, LetsGoOfTheOldestBeyondItsBound) {
  for (std::uint64_t seq = 1; seq <= 4; ++seq) (void)Put(Large(seq));
  EXPECT_THAT(Find(1), IsNull());
  for (std::uint64_t seq = 2; seq <= 4; ++seq) EXPECT_THAT(Find(seq), NotNull()) << seq;
}

TEST_F(MessageCacheTest, KeepsWhatWasUsedLately) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq) (void)Put(Large(seq));
  (void)Find(1);        // found
  (void)Put(Large(2));  // asked for again
  (void)Put(Large(4));
  EXPECT_THAT(Find(3), IsNull());
  EXPECT_THAT(Find(1), NotNull());
  EXPECT_THAT(Find(2), NotNull());
}

TEST_F(MessageCacheTest, WhoHoldsAMessageKeepsItWhenTheCacheLetsGo) {
  const auto held = Put(Message(1, "hello"));
  for (std::uint64_t seq = 2; seq <= 5; ++seq) (void)Put(Large(seq));
  ASSERT_THAT(Find(1), IsNull());
  EXPECT_EQ(boost::json::parse(held->In(frame::Form::kJson)).at("payload"), "hello");
}

TEST_F(MessageCacheTest, SmallMessagesCountWithWhatKeepingThemCosts) {
  // Their texts alone would be far below the bound.
  constexpr std::uint64_t kCount = 100'000;
  for (std::uint64_t seq = 1; seq <= kCount; ++seq) (void)Put(Message(seq));
  std::uint64_t kept = 0;
  std::size_t text_bytes = 0;
  for (std::uint64_t seq = 1; seq <= kCount; ++seq) {
    const auto found = Find(seq);
    if (found == nullptr) continue;
    ++kept;
    text_bytes += found->In(frame::Form::kJson).size();
  }
  EXPECT_LT(kept, kCount);
  EXPECT_LT(text_bytes, kCachedBytesMax);
  EXPECT_THAT(Find(kCount), NotNull());
}

TEST_F(MessageCacheTest, AMessageBeyondTheBoundIsKeptAlone) {
  (void)Put(Message(1));
  const auto huge = Put(Message(2, std::string(kCachedBytesMax, 'x')));
  EXPECT_THAT(Find(1), IsNull());
  EXPECT_EQ(Find(2), huge);
  (void)Put(Message(3));
  EXPECT_THAT(Find(2), IsNull());
  EXPECT_THAT(Find(3), NotNull());
}

}  // namespace
}  // namespace ackwire
