// Workload makes up what a store is asked, from a seed and from what is so far in the store:
// publishes large and small, subscriptions, and every kind of journal event, each of which makes
// sense where it comes.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "store/rng.h"
#include "store/work.h"
#include "tests/faults/naive_ledger.h"

namespace ackwire {

class Workload {
 public:
  explicit Workload(Rng& rng) : rng_(rng) {}

  // The works of one commit.
  std::vector<Work> Next(const NaiveLedger& ledger);

 private:
  std::uint64_t Below(std::uint64_t limit) { return rng_.Next() % limit; }
  [[nodiscard]] std::string AnyChannel() { return "room/" + std::to_string(Below(5)); }
  Work Publish();
  // Once more what is stored.
  Work Repeat(const v1::Message& message);
  // Nothing when whoever was drawn is subscribed.
  void AddSubscribe(const NaiveLedger& ledger, std::vector<Work>& works);
  void AddJournal(const NaiveLedger& ledger, std::vector<Work>& works);
  // Nothing when there is nothing to do for the subscription.
  void AddEvent(const NaiveLedger& ledger, const NaiveLedger::SubscriptionKey& key,
                std::vector<store::Event>& events);
  std::string PayloadOf(std::size_t size);

  Rng& rng_;
  std::uint64_t made_ = 0;                       // ids and sessions
  std::set<NaiveLedger::SubscriptionKey> used_;  // in the commit in the making
};

}  // namespace ackwire
