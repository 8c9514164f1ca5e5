// What many clients are owed no more is told together, of those that nobody has at that moment.
#include "tests/unit/ledger_events.h"
#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SessionAbandon : public SessionTest {
 protected:
  void SubscribeOffline() {
    for (const char* client : {"alice", "bob", "carol"}) Subscribe(client, kRoom);
    for (int n = 0; n < 2; ++n) Publish(kRoom);
  }
  bool IsOwedTheFirst(const std::string& client) const {
    return !Entry(client, kRoom).IsSettled({1});
  }
};

TEST_F(SessionAbandon, OfflineClientsShareOneRecord) {
  SubscribeOffline();
  const JournalNumber before = store_->derived().last_number();
  EXPECT_THAT(Abandon({"alice", "bob", "carol"}), IsEmpty());
  EXPECT_EQ(store_->derived().last_number().value, before.value + 1);
  for (const char* client : {"alice", "bob", "carol"}) EXPECT_FALSE(IsOwedTheFirst(client));
  EXPECT_EQ(totals().undelivered, 3U);
}

TEST_F(SessionAbandon, WhatIsSettledIsNotRecordedAgain) {
  SubscribeOffline();
  EXPECT_THAT(Abandon({"alice", "bob"}), IsEmpty());
  const JournalNumber before = store_->derived().last_number();
  EXPECT_THAT(Abandon({"alice", "bob"}), IsEmpty());
  EXPECT_EQ(store_->derived().last_number(), before);
  EXPECT_EQ(totals().undelivered, 4U);
  EXPECT_THAT(Abandon({"bob", "carol"}), IsEmpty()) << "one of them is owed it";
  EXPECT_EQ(totals().undelivered, 3U);
}

TEST_F(SessionAbandon, AConnectedClientIsLeftToItsSession) {
  SubscribeOffline();
  Connect("bob");
  EXPECT_THAT(Abandon({"alice", "bob"}), ElementsAre("bob"));
  EXPECT_FALSE(IsOwedTheFirst("alice"));
  EXPECT_TRUE(IsOwedTheFirst("bob"));
}

TEST_F(SessionAbandon, ItWaitsForNobodyWhoseChangeIsUnderWay) {
  SubscribeOffline();
  HoldReads();
  BeginChange("bob", events::Paused(""));
  const Others others = BeginAbandoning({"alice", "bob"});
  Poll();
  EXPECT_EQ(reads_waiting(), 2U);
  ReleaseReads();
  Until([&] { return others->has_value(); }, "what is abandoned");
  EXPECT_THAT(others->value(), ElementsAre("bob"));
  EXPECT_FALSE(IsOwedTheFirst("alice"));
  EXPECT_TRUE(IsOwedTheFirst("bob"));
  Settle();
  EXPECT_THAT(Abandon({"bob"}), IsEmpty());
}

TEST_F(SessionAbandon, WhoConnectsMeanwhileHasItsTurnAfterwards) {
  SubscribeOffline();
  HoldReads();
  const Others others = BeginAbandoning({"alice", "bob"});
  Poll();
  ASSERT_EQ(reads_waiting(), 1U);
  TestConnection& bob = Open();
  bob.Say(R"({"type":"connect","client":"bob"})");
  Poll();
  EXPECT_EQ(reads_waiting(), 1U) << "it is not loaded before that is on record";
  ReleaseReads();
  Until([&] { return others->has_value(); }, "what is abandoned");
  EXPECT_THAT(others->value(), IsEmpty());
  EXPECT_THAT(TakeDeliveries(bob, 1), ElementsAre("1: room/1 seq 2 attempt 1"));
}

TEST_F(SessionAbandon, AResumedSessionHasNothingMoreToSayOfIt) {
  TestConnection& alice = ConnectSubscribed("alice", kRoom);
  Publish(kRoom);
  TakeDeliveries(alice, 1);
  const std::string session = alice.session->Describe().id();
  alice.session->End(1006);
  Settle();
  EXPECT_THAT(Abandon({"alice"}), IsEmpty());
  EXPECT_EQ(totals().undelivered, 0U);
  TestConnection& again =
      Connect("alice", R"(,"resume":{"session":")" + session + R"(","delivery":0})");
  again.Say(R"({"type":"nack","deliveries":[1],"final":true})");
  Settle();
  EXPECT_EQ(totals().parked, 0U) << "it was abandoned before";
}

}  // namespace
}  // namespace ackwire
