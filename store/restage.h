// Restage writes a journal again on a log that has lost something: what a record says of deliveries
// that do not exist, or of subscriptions that nothing tells of any more, is left out of it, and
// what the writer had counted is counted anew. A record with which nothing is wrong stays as it is.
// So folding the new journal from its beginning gives what recovery gave.
//
// Threads:  one.
// Lifetime: borrows both.
#pragma once

#include <cstdint>

#include "store/committed_group.h"
#include "store/derived.h"
#include "store/ledger_reader.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

class StagedGroup;

class Restage {
 public:
  Restage(const Derived& derived, const LedgerReader& ledger)
      : derived_(derived), ledger_(ledger) {}

  // The record as the next of this log, to be written and applied. Its events keep their places;
  // one of which nothing is left says nothing.
  [[nodiscard]] StatusOr<SharedGroup> Record(const store::JournalRecord& record);

  // Events that say less than they did, or nothing.
  [[nodiscard]] std::uint64_t changed() const { return changed_; }

 private:
  [[nodiscard]] Status Add(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status AddClientEvent(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status AddSubscribed(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status AddUnsubscribed(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status AddAcked(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status AddFailed(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status AddParked(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status AddAbandoned(store::Event event, StagedGroup& staged);
  void AddRemoved(store::Event event, StagedGroup& staged);
  void AddOrClear(bool keep, store::Event event, StagedGroup& staged);

  const Derived& derived_;
  const LedgerReader& ledger_;
  std::uint64_t changed_ = 0;
};

}  // namespace ackwire
