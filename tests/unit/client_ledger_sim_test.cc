// Random days of one client, each from a seed: whatever happens in whatever order, ClientLedger
// does what the model says, and the store's rows, folded from its events, say the same.
// ACKWIRE_SIM_SEED=N runs that one alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/client_ledger.h"
#include "store/rng.h"
#include "tests/unit/ledger_model.h"
#include "tests/unit/ledger_rows.h"

namespace ackwire {
namespace {

constexpr std::uint64_t kLedgerSeeds = 2'000;
constexpr int kLedgerSteps = 120;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : rng_(seed), policy_(DrawPolicy()), model_(policy_) {
    window_ = static_cast<std::uint32_t>(1 + Below(8));
    const std::uint64_t channels = 1 + Below(3);
    for (std::uint64_t id = 1; id <= channels; ++id) {
      last_[ChannelId{id}] = Seq{Below(4)};
      SubscribeOffline(ChannelId{id});
    }
    Connect(AckWindow());
  }

  void Run() {
    for (int step = 0; step < kLedgerSteps && !::testing::Test::HasFailure(); ++step) {
      Step();
      Check();
    }
    if (!::testing::Test::HasFailure()) Drain();
  }

 private:
  std::uint64_t Below(std::uint64_t bound) { return rng_.Next() % bound; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

  DeliveryPolicy DrawPolicy() {
    return {.ack_wait = Duration(1'000),
            .retry = {.backoff = {Duration(100), Duration(700)},
                      .max_attempts = static_cast<std::uint32_t>(1 + Below(4))},
            .max_disconnects = static_cast<std::uint32_t>(1 + Below(3)),
            .ordering = OneIn(3) ? Ordering::kUnordered : Ordering::kOrdered};
  }

  ChannelId AnyChannel() { return ChannelId{1 + Below(last_.size())}; }
  static std::string NameOf(ChannelId channel) { return "room/" + std::to_string(channel.value); }

  // Mostly a recent number, now and then one that was never sent.
  std::uint64_t AnyNumber() {
    const std::uint64_t last = model_.last_number();
    if (OneIn(20)) return last + 1;
    const std::uint64_t back = OneIn(4) ? Below(last + 1) : Below(2 * window_);
    return back < last ? last - back : last;
  }
  std::vector<std::uint64_t> AnyNumbers() {
    std::vector<std::uint64_t> numbers = {AnyNumber()};
    while (OneIn(3)) numbers.push_back(AnyNumber());
    return numbers;
  }
  bool AllSent(const std::vector<std::uint64_t>& numbers) const {
    for (const std::uint64_t number : numbers) {
      if (number == 0 || number > model_.last_number()) return false;
    }
    return true;
  }

  void Step() {
    if (withheld_steps_ > 0) --withheld_steps_;
    const std::uint64_t dice = Below(104);
    if (dice < 15) return Publish();
    if (dice < 42) return Send();
    if (dice < 52) return Write();
    if (dice < 62) return Ack();
    if (dice < 70) return AckUpTo();
    if (dice < 80) return Nack();
    if (dice < 83) return Working();
    if (dice < 93) return PassTime(Duration(Below(900)));
    if (dice < 98) return ReconnectSomehow();
    if (dice < 100) return ChangeSubscription();
    if (dice < 102) return Remove();
    Withhold();
  }

  void Publish() {
    const ChannelId channel = AnyChannel();
    const std::uint64_t count = 1 + Below(3);
    last_[channel].value += count;
    if (model_.subscribed(channel)) model_.Publish(channel, count);
    ledger_->Extend(channel, last_[channel]);
  }

  // The session asks for nothing to send for a while: it is reading, or too much is unsent.
  void Withhold() { withheld_steps_ = 1 + Below(20); }

  void Send() {
    if (withheld_steps_ > 0) return;
    for (std::uint64_t room = 1 + Below(10); room > 0; --room) {
      const auto key = ledger_->FindNext(now_);
      if (!key) return CheckNothingToSend();
      const LedgerEntry& entry = ledger_->feeds().at(key->channel).entry();
      ASSERT_LT(model_.InFlight().size(), window_);
      ASSERT_TRUE(model_.IsEligible(*key, entry, now_))
          << NameOf(key->channel) << " seq " << key->seq.value;
      if (OneIn(30)) {
        ledger_->Abandon(*key, v1::REASON_EXPIRED, now_);
        model_.Abandon(*key);
      } else if (OneIn(30)) {
        ledger_->Reject(*key, v1::REASON_TOO_LARGE, "too large", now_);
        model_.Park(*key);
      } else {
        SendOne(*key);
      }
    }
  }

  void SendOne(const DeliveryKey& key) {
    const ClientLedger::Delivery delivery = ledger_->Send(key, now_, now_);
    EXPECT_EQ(delivery.attempt, model_.Send(key));
    EXPECT_EQ(delivery.number, model_.last_number());
    unwritten_.push_back(delivery.number);
    if (delivery.attempt > 1) return;
    Seq& first_sent = first_sent_[key.channel];
    if (policy_.ordering == Ordering::kOrdered) {
      EXPECT_GT(key.seq, first_sent) << "first deliveries come in order";
    }
    first_sent = std::max(first_sent, key.seq);
  }

  void CheckNothingToSend() {
    if (model_.InFlight().size() >= window_) return;
    for (const auto& [channel, feed] : ledger_->feeds()) {
      EXPECT_FALSE(model_.HasEligible(channel, feed.entry(), now_)) << NameOf(channel);
    }
  }

  void Write() {
    ledger_->Written(unwritten_, now_);
    for (const std::uint64_t number : std::exchange(unwritten_, {})) model_.Written(number, now_);
  }

  void Ack() {
    const std::vector<std::uint64_t> numbers = AnyNumbers();
    EXPECT_EQ(ledger_->Ack(numbers, now_).ok(), AllSent(numbers));
    for (const std::uint64_t number : numbers) model_.Ack(number);
  }

  void AckUpTo() {
    const std::uint64_t number = AnyNumber();
    EXPECT_EQ(ledger_->AckUpTo(number, now_).ok(), AllSent({number}));
    if (AllSent({number})) model_.AckUpTo(number);
  }

  void Nack() {
    const Refusal refusal{.deliveries = AnyNumbers(),
                          .reason = "could not",
                          .delay = OneIn(5) ? Duration(2'000) : Duration(0),
                          .final = OneIn(8)};
    EXPECT_EQ(ledger_->Nack(refusal, now_).ok(), AllSent(refusal.deliveries));
    model_.Nack(refusal.deliveries, refusal.delay, refusal.final, now_);
  }

  // Retention has taken a part of the log.
  void Remove() {
    const ChannelId channel = AnyChannel();
    if (!model_.subscribed(channel)) return;
    const Seq first{1 + Below(last_[channel].value + 1)};
    const SeqRun seqs{first, {first.value + Below(6)}};
    store::Event change;
    store::Abandoned& abandoned = *change.mutable_abandoned();
    abandoned.set_channel(channel.value);
    abandoned.set_reason(v1::REASON_RETENTION);
    SeqRuns runs;
    runs.Add(seqs);
    AddRuns(runs, *abandoned.mutable_runs());
    EXPECT_EQ(ledger_->Apply(change, now_).count(), model_.Remove(channel, seqs));
  }

  void Working() {
    const std::vector<std::uint64_t> numbers = AnyNumbers();
    EXPECT_EQ(ledger_->Working(numbers, now_).ok(), AllSent(numbers));
    model_.Working(numbers, now_);
  }

  void PassTime(Duration duration) {
    now_ += duration;
    ledger_->Tick(now_);
    model_.Tick(now_);
    // Or the session would be woken again and again, whether or not it may send.
    const auto next = ledger_->NextEvent();
    if (next) {
      EXPECT_GT(*next, now_);
    }
  }

  void Record() { rows_.Fold(ledger_->TakeEvents(now_)); }

  void ReconnectSomehow() {
    const bool counts = !OneIn(4);
    ledger_->Close({.close_code = 1006, .counts = counts}, now_);
    model_.Close(counts, now_);
    Record();
    EXPECT_EQ(rows_.client.disconnects, model_.disconnects());
    AckWindow sent = ledger_->TakeAckWindow();
    unwritten_.clear();
    // Now and then the server was stopped meanwhile, and its clock set back.
    now_ += OneIn(8) ? -Duration(Below(300)) : Duration(Below(300));
    if (OneIn(6)) ChangeSubscriptionOffline(sent);
    if (OneIn(2)) {
      model_.StartNewSession();
      return Connect(AckWindow());
    }
    Connect(std::move(sent));
    const std::uint64_t completed = Below(model_.last_number() + 1);
    if (OneIn(2)) {
      ledger_->GoOn(completed, now_);
      model_.GoOn(completed, now_);
    } else {
      ledger_->Resume(completed, now_);
      model_.Resume(completed);
    }
  }

  void Connect(AckWindow sent) {
    ledger_ = std::make_unique<ClientLedger>(
        ClientLedger::Options{.client = "alice",
                              .session = {.id = "s-1", .transport = "websocket"},
                              .window = window_,
                              .disconnects = rows_.client.disconnects},
        std::move(sent), policies_, rng_);
    for (const auto& [channel, entry] : rows_.entries) {
      if (entry.subscribed()) ledger_->AddSubscription(StateOf(channel));
    }
    ledger_->Open(now_);
  }

  SubscriptionState StateOf(ChannelId channel) {
    return {.channel = channel,
            .channel_name = NameOf(channel),
            .entry = rows_.Load(channel),
            .last = last_[channel]};
  }

  void SubscribeOffline(ChannelId channel) {
    const Seq start{1 + Below(last_[channel].value + 1)};
    rows_.Fold({SubscribedEvent(channel, NameOf(channel), start, now_)});
    model_.Subscribe(channel, start, last_[channel]);
    first_sent_[channel] = Seq{0};
  }

  void ChangeSubscription() {
    const ChannelId channel = AnyChannel();
    if (!model_.subscribed(channel)) {
      SubscribeOffline(channel);
      EXPECT_TRUE(ledger_->AddSubscription(StateOf(channel)));
      return;
    }
    ledger_->RemoveSubscription(channel, now_);
    model_.Unsubscribe(channel);
    Record();
  }

  void ChangeSubscriptionOffline(AckWindow& sent) {
    const ChannelId channel = AnyChannel();
    if (model_.subscribed(channel)) {
      rows_.Fold({UnsubscribedEvent(channel)});
      sent.Forget(channel);  // as the client's home does
      model_.Unsubscribe(channel);
    }
    if (OneIn(2)) SubscribeOffline(channel);
  }

  void Check() {
    for (const auto& [channel, feed] : ledger_->feeds()) {
      EXPECT_EQ(model_.Difference(channel, feed.entry()), "") << NameOf(channel);
    }
    EXPECT_EQ(ledger_->undelivered(), model_.Undelivered());
    EXPECT_EQ(ledger_->sent().AllInFlight(), model_.InFlight());
    EXPECT_EQ(ledger_->sent().in_flight(), model_.InFlight().size());
    EXPECT_LE(ledger_->sent().in_flight(), window_);
    if (OneIn(2)) CheckRows();
  }

  // The store has the same as the session.
  void CheckRows() {
    Record();
    EXPECT_FALSE(ledger_->HasEvents());
    for (const auto& [channel, entry] : rows_.entries) {
      ASSERT_EQ(entry.subscribed(), model_.subscribed(channel));
      if (!entry.subscribed()) continue;
      store::LedgerRow folded = entry.ToRow();
      folded.clear_as_of();
      store::LedgerRow resident = ledger_->feeds().at(channel).entry().ToRow();
      resident.clear_as_of();
      EXPECT_EQ(folded.DebugString(), resident.DebugString()) << NameOf(channel);
    }
  }

  // The client acknowledges all it gets: in the end everything is settled.
  void Drain() {
    for (int rounds = 0; model_.Undelivered() > 0; ++rounds) {
      ASSERT_LT(rounds, 10'000) << model_.Undelivered() << " stay undelivered";
      PassTime(Duration(3'000));
      while (const auto key = ledger_->FindNext(now_)) SendOne(*key);
      CheckNothingToSend();
      const std::vector<std::uint64_t> in_flight = ledger_->sent().AllInFlight();
      ASSERT_TRUE(ledger_->Ack(in_flight, now_).ok());
      for (const std::uint64_t number : in_flight) model_.Ack(number);
    }
    Check();
    CheckRows();
    for (const auto& [channel, feed] : ledger_->feeds()) {
      EXPECT_EQ(feed.entry().floor(), last_[channel]) << NameOf(channel);
    }
    EXPECT_EQ(ledger_->sent().in_flight(), 0U);
  }

  Rng rng_;
  const DeliveryPolicy policy_;
  const Policies policies_{policy_};
  LedgerModel model_;
  LedgerRows rows_;
  std::uint32_t window_ = 0;
  Timestamp now_ = FromUnixMs(1'000'000);
  std::map<ChannelId, Seq> last_;        // of each channel
  std::map<ChannelId, Seq> first_sent_;  // the highest seq that was sent at all
  std::vector<std::uint64_t> unwritten_;
  std::uint64_t withheld_steps_ = 0;
  std::unique_ptr<ClientLedger> ledger_;
};

TEST(ClientLedgerSimulation, DoesWhatTheModelSaysWhateverHappens) {
  const char* one = std::getenv("ACKWIRE_SIM_SEED");
  const std::uint64_t first = one == nullptr ? 1 : std::strtoull(one, nullptr, 10);
  const std::uint64_t last = one == nullptr ? kLedgerSeeds : first;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("ACKWIRE_SIM_SEED=" + std::to_string(seed));
    Simulation(seed).Run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ackwire
