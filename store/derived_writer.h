// DerivedWriter moves the tail of the derived families to RocksDB: rows in order of key, and last,
// in one batch with the changed channels, the checkpoint. A crash in between leaves rows that are
// newer than the checkpoint; folding onto them again changes nothing (rows say as of which event).
//
// Threads: the background thread only.
#pragma once

#include "store/database.h"
#include "store/derived.h"
#include "store/status.h"

namespace ackwire {

class DerivedWriter {
 public:
  DerivedWriter(Database& database, Derived& derived) : database_(database), derived_(derived) {}

  // Writes what is in the tail now; nothing when it is empty.
  //   kDataLoss, kUnavailable  from RocksDB; the tail stays in memory, for readers and the next
  //   step
  [[nodiscard]] Status Step();

 private:
  [[nodiscard]] Status WriteRows(const Tail& tail);
  [[nodiscard]] Status WriteLedger(const Tail& tail);
  [[nodiscard]] Status WriteCheckpoint(const FrozenTail& frozen);

  Database& database_;
  Derived& derived_;
  std::optional<FrozenTail> frozen_;
};

}  // namespace ackwire
