// What a store must be after any start, whatever happened before it: all that it answered is there
// and nothing that nobody asked for; the derived state is what log and journal come to; and the
// relay hands over all that it has not handed over yet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "outbox/sink.h"
#include "store/outbox_rows.h"
#include "store/rng.h"
#include "store/store.h"
#include "tests/faults/asked_works.h"
#include "tests/faults/naive_ledger.h"

namespace ackwire {

struct StartFindings {
  AskedWorks::Outcome asked;
  std::vector<std::string> problems;  // all of them; empty is good
  SurvivingLog log;
};
[[nodiscard]] StartFindings CheckStart(Store& store, AskedWorks& asked);

// HandedOver is the sink of a relay through many lives of a store. What it has taken is with the
// clients: it must be in the log for ever, and all of the log must come to it.
class HandedOver final : public Sink {
 public:
  explicit HandedOver(Rng& rng) : rng_(rng) {}

  // A life begins, in which the relay begins where its checkpoint was.
  void BeginLife() { last_in_life_.reset(); }
  // Now and then it is full.
  [[nodiscard]] Offered Offer(const SharedGroup& group) override;
  void NeverBeFull() { may_be_full_ = false; }

  // What is wrong with what came, given the log of the next start; empty when nothing is.
  [[nodiscard]] std::vector<std::string> Compare(const SurvivingLog& log) const;
  // What is missing of the log.
  [[nodiscard]] std::vector<std::string> Missing(const SurvivingLog& log) const;
  // The log is another one: what was handed over beyond its end does not count any more.
  void CutBack(const SurvivingLog& log);

 private:
  void Note(const std::string& problem) { problems_.push_back(problem); }

  Rng& rng_;
  bool may_be_full_ = true;
  std::vector<v1::Message> messages_;          // position n at n - 1
  std::vector<store::JournalRecord> records_;  // number n at n - 1
  std::optional<OutboxPoint> last_in_life_;
  std::vector<std::string> problems_;
};

}  // namespace ackwire
