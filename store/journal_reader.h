// JournalReader walks the journal, oldest record first, and gives the events of one client.
//
// What a walk costs is the bytes of all the records it passes; only those in which the client's
// name stands are parsed. README.md has what was measured.
//
// Threads:  any; every call may block on disk.
// Lifetime: borrows both; they must outlive it.
// Bounds:   one record in memory.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "store/database.h"
#include "store/derived.h"
#include "store/ledger_reader.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class JournalReader {
 public:
  JournalReader(const Database& database, const Derived& derived)
      : database_(database), derived_(derived) {}

  // Records from `from` on, not beyond `to`.
  struct Part {
    std::string client;
    JournalNumber from{1};
    JournalNumber to;
    std::size_t records_max = 0;
  };
  struct Walked {
    JournalNumber next;  // goes on there; zero: all up to `to` was walked
    Timestamp up_to{};   // when the last record of the part was committed
  };
  //   kOutOfRange  it was to begin at the first record, which is not there any more
  //   kDataLoss    a record is missing or damaged
  [[nodiscard]] StatusOr<Walked> Walk(const Part& part,
                                      const std::function<void(const JournalEvent&)>& take) const;

  // When the first record was committed; none when there is no record.
  //   kDataLoss  it is damaged
  [[nodiscard]] StatusOr<std::optional<Timestamp>> BeginsAt() const;

 private:
  const Database& database_;
  const Derived& derived_;
};

}  // namespace ackwire
