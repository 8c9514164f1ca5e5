// DerivedWriter moves the tail of the derived families to RocksDB, with the checkpoint that says up
// to where, all of it or nothing: a large tail as sorted runs (store/sorted_runs.h), a small one,
// for which those would cost more syncs than rows, as one batch.
//
// Threads: the background thread only.
// Durable: the sorted runs, which is why what was written before them is synced first. A batch is
//          not: losing it means folding again.
#pragma once

#include "store/database.h"
#include "store/derived.h"
#include "store/status.h"

namespace ackwire {

// Up to so many entries a tail goes as a batch, which holds up a commit by milliseconds.
inline constexpr std::size_t kBatchEntriesMax = 4096;

class DerivedWriter {
 public:
  DerivedWriter(Database& database, Derived& derived) : database_(database), derived_(derived) {}

  // Writes what is in the tail now; nothing when it is empty. Larger tails than this go as runs.
  //   kDataLoss, kUnavailable  from RocksDB; the tail stays in memory, for readers and the next
  //   step
  [[nodiscard]] Status Step(std::size_t batch_entries_max = kBatchEntriesMax);

 private:
  [[nodiscard]] Status WriteBatch(const FrozenTail& frozen);
  [[nodiscard]] Status WriteRuns(const FrozenTail& frozen);

  Database& database_;
  Derived& derived_;
  std::optional<FrozenTail> frozen_;
};

}  // namespace ackwire
