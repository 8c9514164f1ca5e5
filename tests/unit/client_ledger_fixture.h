// What tests of ClientLedger have in common: one client, its channels, a clock that stands still,
// and the rows that the store would have.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/client_ledger.h"
#include "tests/unit/event_words.h"
#include "tests/unit/ledger_rows.h"

namespace ackwire {

using Seqs = std::vector<std::uint64_t>;
using Numbers = std::vector<std::uint64_t>;

class ClientLedgerTest : public ::testing::Test {
 protected:
  static constexpr const char* kRoom = "room/1";
  static constexpr Duration kAckWait{30'000};

  // Subscribed from the first message on to a channel that has `last` messages.
  void Subscribed(const std::string& channel, std::uint64_t last) {
    const ChannelId id = IdOf(channel);
    last_[channel] = std::max(last_[channel], last);
    rows.Fold({SubscribedEvent(id, channel, Seq{1}, now)});
    if (ledger_) ledger_->AddSubscription(StateOf(channel));
  }

  void Publish(const std::string& channel, std::uint64_t count = 1) {
    last_[channel] += count;
    ledger().Extend(IdOf(channel), Seq{last_[channel]});
  }

  // Sends all that is due; the kernel takes it at once. Returns the seqs in order of sending.
  Seqs SendAll() {
    Seqs seqs;
    Numbers numbers;
    while (const auto key = ledger().FindNext(now)) {
      const auto delivery = ledger().Send(*key, now, now);
      numbers.push_back(delivery.number);
      attempts[delivery.number] = delivery.attempt;
      channels_sent.push_back(key->channel.value);
      seqs.push_back(key->seq.value);
    }
    ledger().Written(numbers, now);
    return seqs;
  }

  // Hands deliveries of replay 77 over.
  void Replay(const Seqs& seqs, SettledAs before = SettledAs::kParked, ReplayId replay = {77}) {
    std::vector<ReplayDelivery> deliveries;
    for (const std::uint64_t seq : seqs) {
      deliveries.push_back({replay, {IdOf(kRoom), Seq{seq}}, 6, before});
    }
    ledger().AddReplays(deliveries, now);
  }
  // As SendAll, what is due of replays.
  Seqs SendReplays() {
    Seqs seqs;
    Numbers numbers;
    while (const auto key = ledger().FindReplay(now)) {
      const auto delivery = ledger().SendReplay(*key, now, now);
      numbers.push_back(delivery.number);
      attempts[delivery.number] = delivery.attempt;
      seqs.push_back(key->seq.value);
    }
    ledger().Written(numbers, now);
    return seqs;
  }

  void Ack(const Numbers& deliveries) { ASSERT_TRUE(ledger().Ack(deliveries, now).ok()); }
  void AckUpTo(std::uint64_t delivery) { ASSERT_TRUE(ledger().AckUpTo(delivery, now).ok()); }
  void Nack(const Numbers& deliveries) { Refuse({.deliveries = deliveries}); }
  void Refuse(const Refusal& refusal) { ASSERT_TRUE(ledger().Nack(refusal, now).ok()); }
  void After(Duration duration) {
    now += duration;
    ledger().Tick(now);
  }

  void Disconnect(bool counts = true) {
    ledger().Close({.close_code = 1006, .detail = "close code 1006", .counts = counts}, now);
    Record();
    ended_.emplace(ledger_->TakeAckWindow());
    ledger_.reset();
  }
  // A subscription ends while the client is offline, and its home sees to what the ended session
  // remembers of it.
  void UnsubscribedOffline(const std::string& channel) {
    rows.Fold({UnsubscribedEvent(IdOf(channel))});
    ended_->Forget(IdOf(channel));
  }
  // A new session: the client remembers nothing.
  void Reconnect() { Connect(AckWindow()); }
  // The same session, of which the client completed everything up to and including `delivery`.
  void Resume(std::uint64_t delivery) {
    Connect(std::move(*ended_));
    ledger().Resume(delivery, now);
  }

  // The same, where everything up to and including `delivery` has arrived and is not completed.
  void GoOn(std::uint64_t delivery, const Caller& caller = Caller()) {
    Connect(std::move(*ended_));
    ledger().SetCaller(caller, now);
    ledger().GoOn(delivery, now);
  }

  // What happened since the last call, in words.
  Happened Events() {
    Record();
    return std::exchange(happened_, {});
  }

  // The subscription as the store has it by now.
  const LedgerEntry& Row(const std::string& channel = kRoom) {
    Record();
    return rows.entries[IdOf(channel)];
  }
  std::uint64_t Floor(const std::string& channel = kRoom) { return Row(channel).floor().value; }

  ClientLedger& ledger() {
    if (!ledger_) Reconnect();
    return *ledger_;
  }
  ChannelId IdOf(const std::string& channel) {
    return ids_.try_emplace(channel, ChannelId{ids_.size() + 1}).first->second;
  }

  // What holds for the session; to be set before its first use.
  DeliveryPolicy policy{.ack_wait = kAckWait};
  std::uint32_t window = 256;

  Timestamp now = FromUnixMs(1'000'000);
  LedgerRows rows;
  std::map<std::uint64_t, std::uint32_t> attempts;  // by number
  std::vector<std::uint64_t> channels_sent;         // each sending's

  // From now on, as if they were read again.
  void SetPolicies(const std::vector<ChannelPattern>& patterns) {
    if (!policies_) policies_.emplace(policy);
    policies_->Replace(patterns);
    if (ledger_) ledger_->RenewPolicies();
  }

 private:
  SubscriptionState StateOf(const std::string& channel) {
    const ChannelId id = IdOf(channel);
    return {.channel = id,
            .channel_name = channel,
            .entry = rows.Load(id),
            .last = Seq{last_[channel]}};
  }

  void Connect(AckWindow sent) {
    if (!policies_) policies_.emplace(policy);
    ledger_ = std::make_unique<ClientLedger>(
        ClientLedger::Options{.client = "alice",
                              .session = {.id = "s-1", .transport = "websocket"},
                              .window = window,
                              .disconnects = rows.client.disconnects,
                              .paused = rows.client.paused},
        std::move(sent), *policies_, rng_);
    for (const auto& [id, entry] : rows.entries) {
      if (entry.subscribed()) ledger_->AddSubscription(StateOf(NameOf(id)));
    }
    ledger_->Open(now);
  }

  std::string NameOf(ChannelId id) const {
    const auto found = std::find_if(ids_.begin(), ids_.end(),
                                    [id](const auto& each) { return each.second == id; });
    return found->first;
  }

  void Record() {
    if (!ledger_) return;
    const std::vector<store::Event> events = ledger_->TakeEvents(now);
    rows.Fold(events);
    for (const store::Event& event : events) Describe(event, happened_);
  }

  Rng rng_{1};
  std::map<std::string, ChannelId> ids_;
  std::map<std::string, std::uint64_t> last_;
  std::optional<Policies> policies_;
  std::unique_ptr<ClientLedger> ledger_;
  std::optional<AckWindow> ended_;
  Happened happened_;
};

}  // namespace ackwire
