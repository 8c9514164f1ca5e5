#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/explain.h"
#include "tests/unit/ledger_events.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

class GatherFactsTest : public testing::Test {
 protected:
  DeliveryFacts Gather(const DeliveryQuestion& question) {
    const auto facts = GatherFacts(store_.store(), policies_, question, store_.clock().Now());
    EXPECT_TRUE(facts.ok()) << facts.status();
    return facts.ok() ? *facts : DeliveryFacts();
  }
  v1::Delivery Explained(Seq seq) {
    return Explain(Gather({.client = "a", .channel = "c", .seq = seq}));
  }

  RunningStore store_;
  const Policies policies_{DeliveryPolicy{}};
};

TEST_F(GatherFactsTest, FindsTheMessageBySeqAndById) {
  EXPECT_EQ(Explained({1}).explanation(), "there is no channel c");
  store_.Publish("c", "one", {.id = "m-1"});
  store_.Publish("c", "two", {.id = "m-2"});
  const DeliveryFacts by_seq = Gather({.client = "a", .channel = "c", .seq = Seq{2}});
  ASSERT_TRUE(by_seq.message);
  EXPECT_EQ(by_seq.message->message_id(), "m-2");
  EXPECT_EQ(by_seq.channel_last, Seq{2});
  EXPECT_EQ(by_seq.attempts_max, policies_.flags().retry.max_attempts);
  EXPECT_EQ(by_seq.ack_wait, policies_.flags().ack_wait);
  EXPECT_EQ(Gather({.client = "a", .channel = "c", .message_id = "m-2"}).seq, Seq{2});
  EXPECT_FALSE(Gather({.client = "a", .channel = "c", .seq = Seq{3}}).message);
  EXPECT_FALSE(Gather({.client = "a", .channel = "c", .message_id = "m-3"}).message);
}

TEST_F(GatherFactsTest, RefusesAQuestionThatIsNone) {
  for (const DeliveryQuestion& question :
       std::vector<DeliveryQuestion>{{"", "c", Seq{1}, ""},
                                     {"a", "", Seq{1}, ""},
                                     {"a", "c", Seq{}, ""},
                                     {"a", "c", Seq{1}, "m-1"}}) {
    EXPECT_EQ(GatherFacts(store_.store(), policies_, question, FromUnixMs(0)).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_F(GatherFactsTest, FindsWhatBecameOfIt) {
  store_.Subscribe("a", "c");
  for (int n = 0; n < 5; ++n) store_.Publish("c", "x");
  const ChannelId id = store_.IdOf("c");
  store_.Record({events::Acked("a", id, {{Seq{1}, Seq{1}}})});
  store_.Record({events::Failed("a", id, {Seq{2}, Seq{3}}), events::Parked("a", id, Seq{2})});
  store_.Record({events::Abandoned("a", id, {Seq{4}, Seq{4}})});
  EXPECT_EQ(Explained({1}).state(), v1::DELIVERY_STATE_ACKED);
  EXPECT_EQ(Explained({1}).attempts_size(), 1);
  EXPECT_EQ(Explained({2}).state(), v1::DELIVERY_STATE_PARKED);
  EXPECT_EQ(Explained({2}).attempts_size(), 1);
  EXPECT_EQ(Explained({3}).state(), v1::DELIVERY_STATE_PENDING);
  EXPECT_EQ(Explained({3}).attempts_size(), 1);
  EXPECT_EQ(Explained({4}).state(), v1::DELIVERY_STATE_ABANDONED);
  EXPECT_EQ(Explained({5}).attempts_size(), 0);
  // Parked, and acknowledged after all.
  store_.Record({events::Acked("a", id, {}, {Seq{2}})});
  EXPECT_EQ(Explained({2}).state(), v1::DELIVERY_STATE_ACKED);
}

}  // namespace
}  // namespace ackwire
