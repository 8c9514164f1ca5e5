// TestedStore is a store on a disk with faults, through many lives, and all who have to do with it:
// those who ask it, the relay, and what it must therefore hold.
//
// Threads: one, which takes the store's steps too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "outbox/relay.h"
#include "store/store.h"
#include "tests/faults/asked_works.h"
#include "tests/faults/check_start.h"
#include "tests/faults/fault_env.h"
#include "tests/faults/naive_ledger.h"
#include "tests/faults/workload.h"
#include "tests/unit/manual_clock.h"

namespace ackwire {

class TestedStore {
 public:
  struct Options {
    Durability durability = Durability::kFsync;
    std::uint64_t min_free_bytes = 0;
  };
  // Borrows both.
  TestedStore(FaultEnv& env, Rng& rng, const Options& options)
      : env_(env), rng_(rng), options_(options), workload_(rng), handed_(rng) {}

  // A life begins: the store opens its directory.
  [[nodiscard]] Status Open(const std::string& boot_id);
  // All that must hold after a start. From here on what was in doubt is known.
  [[nodiscard]] StartFindings Check();
  // It begins to write, and the relay to hand over.
  [[nodiscard]] Status Begin();
  // A clean end, as far as the store is still able to.
  void End();
  // It is gone, however it ended.
  void Close();
  // The same without destroying it. REQUIRES: the disk has stopped.
  void Abandon();

  // Asks for the works of one commit, and has it commit them.
  void Commit();
  // Moves the tail to disk, as a batch or as sorted runs.
  enum class Tail { kBatch, kRuns };
  void MoveTail(Tail as);
  // As RocksDB would, once there is enough: then part of the log is in tables, and part is not.
  // Once one has failed none is tried any more in this life.
  [[nodiscard]] Status FlushSomeFamily();
  [[nodiscard]] Status StepRelay(const Relay::StepOptions& options);

  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] bool open() const { return store_ != nullptr; }
  [[nodiscard]] ManualClock& clock() { return clock_; }
  [[nodiscard]] AskedWorks& asked() { return asked_; }
  [[nodiscard]] HandedOver& handed() { return handed_; }
  // What the store must hold, as far as it has told.
  [[nodiscard]] const NaiveLedger& ledger() const { return ledger_; }
  // Whether that is all: it holds no commit of which it has not told.
  [[nodiscard]] bool told_all() const;

  // Why the store takes no more writes; OK while it does.
  [[nodiscard]] const Status& failure() const { return failure_; }
  // Works that were answered OK although it does not.
  [[nodiscard]] std::uint64_t answered_after_failure() const;

 private:
  void Committed(const SharedGroup& group);
  void Failed(const Status& why);

  FaultEnv& env_;
  Rng& rng_;
  const Options options_;
  ManualClock clock_;
  Workload workload_;
  AskedWorks asked_;
  HandedOver handed_;
  NaiveLedger ledger_;  // also what the next works are made up from
  Position told_position_;
  JournalNumber told_number_;
  Status failure_;
  Status flushed_;
  std::uint64_t answered_before_failure_ = 0;

  std::unique_ptr<Store> store_;
  std::unique_ptr<OutboxRows> rows_;
  std::unique_ptr<Relay> relay_;
};

}  // namespace ackwire
