// NaiveLedger is what log and journal come to, as naively as it can be said: every seq that is
// settled is kept as such, and every question is answered by looking at all of them. It shares no
// code with the fold that it is compared with.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/committed_group.h"
#include "store/derived.h"
#include "store/ledger_reader.h"
#include "store/log_reader.h"
#include "tests/faults/surviving_log.h"

namespace ackwire {

class NaiveLedger {
 public:
  struct Retry {
    std::uint32_t attempts = 0;
    std::uint32_t counted = 0;
    std::int64_t due_at_ms = 0;
    int reason = 0;
  };
  struct Subscription {
    std::uint64_t start = 0;
    std::int64_t created_at_ms = 0;
    std::set<std::uint64_t> settled;
    std::map<std::uint64_t, std::uint64_t> parked;  // seq to the event that parked it
    std::map<std::uint64_t, Retry> retries;
  };
  struct Channel {
    std::string name;
    std::vector<v1::Message> messages;  // seq n at n - 1
  };
  struct Client {
    std::int64_t last_seen_at_ms = 0;
    std::uint32_t disconnects = 0;
    std::int64_t paused_at_ms = 0;  // 0: it is not
    std::string pause_note;
  };
  using SubscriptionKey = std::pair<std::string, std::uint64_t>;  // client, channel
  using DeliveryKey = std::pair<SubscriptionKey, std::uint64_t>;  // and seq
  struct Replay {
    store::ReplayStarted started;
    std::int64_t started_at_ms = 0;
    std::set<DeliveryKey> pinned;
    std::set<DeliveryKey> acked;
    std::set<DeliveryKey> failed;
    std::map<std::pair<int, int>, std::set<DeliveryKey>> skipped;  // by reason and state
    std::uint32_t rate_per_second = 0;
    bool paused = false;
    bool cancelled = false;
    std::int64_t ended_at_ms = 0;  // 0: it has not

    // Pinned, and nothing has become of them. Those of a cancelled one too, which never will.
    [[nodiscard]] std::set<DeliveryKey> Left() const;
    [[nodiscard]] bool IsLeft(const DeliveryKey& key) const;
    [[nodiscard]] bool includes_acked() const;
    [[nodiscard]] bool of_failed() const;
  };

  NaiveLedger() = default;
  explicit NaiveLedger(const SurvivingLog& log);
  void Apply(const CommittedGroup& group);
  // The same in parts: a commit's messages come before its events.
  void ApplyMessage(const StoredMessage& stored);
  void ApplyEvent(std::uint64_t id, const store::Event& event);

  [[nodiscard]] const std::map<std::uint64_t, Channel>& channels() const { return channels_; }
  [[nodiscard]] const std::map<SubscriptionKey, Subscription>& subscriptions() const {
    return subscriptions_;
  }
  [[nodiscard]] const std::map<std::string, Client>& clients() const { return clients_; }
  [[nodiscard]] const std::map<std::uint64_t, Replay>& replays() const { return replays_; }
  // Owed and not settled, in order.
  [[nodiscard]] std::vector<std::uint64_t> Undelivered(const SubscriptionKey& key) const;

  // All that can be asked, a line each.
  [[nodiscard]] std::vector<std::string> Describe() const;

 private:
  void ApplyRecord(std::uint64_t number, const store::JournalRecord& record);
  void Settle(const SubscriptionKey& key, std::uint64_t first, std::uint64_t last);
  void Fail(const store::Event& event);
  void ApplyReplay(const store::Event& event);
  static void EndSome(Replay& replay, const store::Event& event);
  static void Control(Replay& replay, const store::Event& event);
  void DescribeReplays(std::vector<std::string>& lines) const;
  void DescribeChannels(std::vector<std::string>& lines) const;
  void DescribeClients(std::vector<std::string>& lines) const;

  std::map<std::uint64_t, Channel> channels_;
  std::map<SubscriptionKey, Subscription> subscriptions_;
  std::map<std::string, Client> clients_;
  std::map<std::uint64_t, Replay> replays_;
};

// The same lines, as the store answers.
struct StoreReaders {
  const Derived& derived;
  const LogReader& log;
  const LedgerReader& ledger;
};
[[nodiscard]] StatusOr<std::vector<std::string>> DescribeStore(const StoreReaders& store);

}  // namespace ackwire
