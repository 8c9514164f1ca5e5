// LedgerModel is what proto/README.md says of one client's deliveries, as naively as it can be
// said: every message and every sending is kept, and every question is answered by looking at all
// of them. What ClientLedger decides is compared with it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "delivery/ack_window.h"
#include "delivery/policy.h"
#include "store/ledger_entry.h"

namespace ackwire {

class LedgerModel {
 public:
  explicit LedgerModel(const DeliveryPolicy& policy) : policy_(policy) {}

  void Subscribe(ChannelId channel, Seq start, Seq last);
  void Unsubscribe(ChannelId channel);
  void Publish(ChannelId channel, std::uint64_t count);

  // Returns the attempt's number.
  std::uint32_t Send(const DeliveryKey& key);
  void Written(std::uint64_t number, Timestamp now);
  void Abandon(const DeliveryKey& key) { Settle(key, State::kAbandoned); }
  // Of a run of seqs, what is owed and not in flight; returns how many that was.
  std::uint64_t Remove(ChannelId channel, SeqRun seqs);
  void Park(const DeliveryKey& key) { Settle(key, State::kParked); }

  void Ack(std::uint64_t number);
  void AckUpTo(std::uint64_t number);
  void Nack(const std::vector<std::uint64_t>& numbers, Duration delay, bool final, Timestamp now);
  void Working(const std::vector<std::uint64_t>& numbers, Timestamp now);
  void Tick(Timestamp now);

  void Close(bool counts, Timestamp now);
  void StartNewSession() { sendings_.clear(); }
  void Resume(std::uint64_t number);
  void GoOn(std::uint64_t number, Timestamp now);

  // May be sent now, whatever the window says. `entry` tells when retries are due.
  [[nodiscard]] bool IsEligible(const DeliveryKey& key, const LedgerEntry& entry,
                                Timestamp now) const;
  [[nodiscard]] bool HasEligible(ChannelId channel, const LedgerEntry& entry, Timestamp now) const;

  // What differs between the entry and the model, in words; empty when nothing does.
  [[nodiscard]] std::string Difference(ChannelId channel, const LedgerEntry& entry) const;

  [[nodiscard]] std::vector<std::uint64_t> InFlight() const;
  [[nodiscard]] std::uint64_t Undelivered() const;
  [[nodiscard]] std::vector<Seq> Parked(ChannelId channel) const;
  [[nodiscard]] bool subscribed(ChannelId channel) const { return channels_.contains(channel); }
  [[nodiscard]] std::uint32_t disconnects() const { return disconnects_; }
  [[nodiscard]] std::uint64_t last_number() const { return sendings_.size(); }

 private:
  enum class State { kOwed, kParked, kAbandoned, kAcked };
  struct Message {
    State state = State::kOwed;
    std::uint32_t sendings = 0;
    std::uint32_t failed = 0;   // the newest sending that failed, 0: none
    std::uint32_t counted = 0;  // failures
    Timestamp due_min{};
    Timestamp due_max{};
  };
  struct Channel {
    Seq start;
    std::map<std::uint64_t, Message> messages;  // by seq, from start to the channel's last
  };
  struct Sending {
    DeliveryKey key;
    bool in_flight = true;
    bool dropped = false;
    bool nacked = false;
    bool forgotten = false;
    bool cut = false;  // in flight when its connection ended
    std::optional<Timestamp> deadline;
  };
  struct Failure {
    bool counted = false;
    bool dropped = false;
    Duration delay{};
  };

  [[nodiscard]] const Message& Of(const DeliveryKey& key) const;
  [[nodiscard]] Message& Of(const DeliveryKey& key);
  // Null when the number was never sent, is acknowledged, or is one of too many of its delivery.
  Sending* Find(std::uint64_t number);
  [[nodiscard]] std::optional<std::uint64_t> NumberInFlight(const DeliveryKey& key) const;
  void Settle(const DeliveryKey& key, State state);
  void Forget(const DeliveryKey& key);
  void Fail(std::uint64_t number, const Failure& how, Timestamp now);
  // Fails these, counted, with what follows from it.
  void FailCounted(const std::set<std::uint64_t>& numbers, const Failure& how, bool final,
                   Timestamp now);
  // In an ordered channel, what is in flight behind the delivery; with `dropped` also all that was
  // sent of it, and behind it, before.
  void Recall(const DeliveryKey& failed, bool dropped, Timestamp now);

  const DeliveryPolicy& policy_;
  std::map<ChannelId, Channel> channels_;
  std::vector<Sending> sendings_;  // number n at n - 1
  std::uint32_t disconnects_ = 0;
};

}  // namespace ackwire
