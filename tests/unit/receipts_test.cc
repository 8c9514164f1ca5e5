#include "delivery/receipts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ledger_events.h"
#include "tests/unit/running_store.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// owed, acked, pending, failed, users owed, users reached
using Counts = std::vector<std::uint64_t>;
Counts CountsOf(const v1::Receipts& receipts) {
  return {receipts.owed(),   receipts.acked(),      receipts.pending(),
          receipts.failed(), receipts.users_owed(), receipts.users_reached()};
}

TEST(ReceiptCount, CountsPeopleOnceForAllTheirDevices) {
  ReceiptCount count;
  count.Add("alice", Receipt::kPending);
  count.Add("alice-2/phone", Receipt::kFailed);
  count.Add("alice/phone", Receipt::kAcked);
  count.Add("alice/tv", Receipt::kAcked);
  count.Add("bob/phone", Receipt::kAcked);
  count.Add("bob/tv", Receipt::kFailed);
  v1::Receipts receipts;
  count.WriteTo(receipts);
  EXPECT_EQ(CountsOf(receipts), (Counts{6, 3, 1, 2, 3, 2}));
}

TEST(ReceiptChoice, TakesWhatFailedFirstAndCountsTheRest) {
  ReceiptCount count;
  ReceiptChoice choice(3);
  for (const char* client : {"a", "b", "c", "d"}) choice.Add(client, Receipt::kAcked, count);
  choice.Add("e", Receipt::kPending, count);
  choice.Add("f", Receipt::kFailed, count);
  EXPECT_THAT(choice.Take(count), ElementsAre("f", "e", "a"));
  v1::Receipts receipts;
  count.WriteTo(receipts);
  EXPECT_EQ(CountsOf(receipts), (Counts{3, 3, 0, 0, 3, 3}));
}

TEST(ReceiptChoice, MayBeOfNone) {
  ReceiptCount count;
  ReceiptChoice choice(0);
  choice.Add("a", Receipt::kFailed, count);
  EXPECT_THAT(choice.Take(count), IsEmpty());
  v1::Receipts receipts;
  count.WriteTo(receipts);
  EXPECT_EQ(receipts.failed(), 1U);
}

class ReceiptScanTest : public testing::Test {
 protected:
  void Subscribe(const std::vector<std::string>& clients) {
    for (const std::string& client : clients) store_.Subscribe(client, "c");
    id_ = store_.IdOf("c");
  }
  void Ack(const std::string& client, Seq seq) {
    store_.Record({events::Acked(client, id_, {{seq, seq}})});
  }
  void Unsubscribe(const std::string& client) {
    store_.Record({events::Unsubscribed(client, id_)});
  }
  store::Event Abandoned(const std::string& client, v1::Reason reason) {
    store::Event event = events::Abandoned(client, id_, {Seq{1}, Seq{1}});
    event.mutable_abandoned()->set_reason(reason);
    return event;
  }
  v1::Receipts Receipts(std::size_t clients_max = 0, LiveDeliveries live = {}) {
    auto message = FindMessage(store_.store(), {.channel = "c", .seq = Seq{1}});
    ReceiptScan scan(store_.store(), policies_, *std::move(message),
                     {clients_max, store_.clock().Now(), std::move(live)});
    for (steps_ = 1;; ++steps_) {
      const auto more = scan.Step();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
    }
    return scan.Result();
  }

  RunningStore store_;
  const Policies policies_{DeliveryPolicy{}};
  ChannelId id_;
  int steps_ = 0;
};

TEST_F(ReceiptScanTest, CountsWhoWasSubscribedWhenItWasCommitted) {
  Subscribe({"alice/phone", "alice/tv", "bob", "carol"});
  store_.Publish("c", "one");
  store_.Subscribe("late", "c");
  store_.Subscribe("reader", "c", {.kind = StartAt::Kind::kFirst});
  EXPECT_EQ(CountsOf(Receipts()), (Counts{5, 0, 5, 0, 4, 0}));
  Ack("alice/phone", {1});
  store_.Record({events::Failed("bob", id_, {Seq{1}, Seq{1}}), events::Parked("bob", id_, {1})});
  store_.Record({events::Failed("carol", id_, {Seq{1}, Seq{1}})});
  store_.Record({Abandoned("reader", v1::REASON_RETENTION)});
  EXPECT_EQ(CountsOf(Receipts()), (Counts{5, 1, 2, 2, 4, 1}));
  // Acknowledged after all: parked or not.
  store_.Record({events::Acked("bob", id_, {}, {Seq{1}})});
  EXPECT_EQ(CountsOf(Receipts()), (Counts{5, 2, 2, 1, 4, 2}));
}

TEST_F(ReceiptScanTest, CountsWhoLeftWithoutIt) {
  Subscribe({"had-it", "left", "came-back", "stays"});
  store_.Publish("c", "one");
  Ack("had-it", {1});
  for (const char* client : {"had-it", "left", "came-back"}) Unsubscribe(client);
  // Anew: from where the message is not owed, and from where it is.
  store_.Subscribe("left", "c");
  store_.Subscribe("came-back", "c", {.kind = StartAt::Kind::kFirst});
  const v1::Receipts receipts = Receipts(9);
  EXPECT_EQ(CountsOf(receipts), (Counts{3, 0, 2, 1, 3, 0}));
  EXPECT_EQ(receipts.deliveries(0).client(), "left");
  EXPECT_EQ(receipts.deliveries(0).reason(), v1::REASON_UNSUBSCRIBED);
}

TEST_F(ReceiptScanTest, ExplainsThoseFirstThatHaveItNot) {
  Subscribe({"a", "b", "c"});
  store_.Publish("c", "one");
  Ack("a", {1});
  store_.Record({events::Parked("c", id_, {1})});
  const v1::Receipts receipts = Receipts(2, {{"b", {.in_flight = true}}});
  EXPECT_EQ(CountsOf(receipts), (Counts{3, 1, 1, 1, 3, 1}));
  ASSERT_EQ(receipts.deliveries_size(), 2);
  EXPECT_EQ(receipts.deliveries(0).client(), "c");
  EXPECT_EQ(receipts.deliveries(0).state(), v1::DELIVERY_STATE_PARKED);
  EXPECT_EQ(receipts.deliveries(1).client(), "b");
  EXPECT_EQ(receipts.deliveries(1).state(), v1::DELIVERY_STATE_IN_FLIGHT);
}

TEST_F(ReceiptScanTest, TakesWhatHasExpiredForFailedUnlessItIsInFlight) {
  Subscribe({"acked", "flying", "offline"});
  store_.Publish("c", "one", {.ttl = Duration(1000)});
  Ack("acked", {1});
  EXPECT_EQ(CountsOf(Receipts()), (Counts{3, 1, 2, 0, 3, 1}));
  store_.clock().Advance(Duration(1001));
  for (const std::size_t explained : {0U, 9U}) {
    EXPECT_EQ(CountsOf(Receipts(explained, {{"flying", {.in_flight = true}}})),
              (Counts{3, 1, 1, 1, 3, 1}));
  }
}

TEST_F(ReceiptScanTest, GoesThroughManyMembersInSteps) {
  std::vector<std::string> clients;
  for (int n = 0; n < 600; ++n)
    clients.push_back("u" + std::to_string(n % 200) + "/" + std::to_string(n));
  Subscribe(clients);
  store_.Publish("c", "one");
  for (int n = 0; n < 600; n += 3) Ack(clients[static_cast<std::size_t>(n)], {1});
  EXPECT_EQ(CountsOf(Receipts()), (Counts{600, 200, 400, 0, 200, 200}));
  EXPECT_GT(steps_, 4);
  EXPECT_EQ(CountsOf(Receipts(100)), (Counts{600, 200, 400, 0, 200, 200}));
}

}  // namespace
}  // namespace ackwire
