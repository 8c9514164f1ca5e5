// JournalReader walks the journal, oldest record first, and gives the events of one client; before
// them, where the journal was trimmed, what the client was when the first record that is kept came.
//
// What a walk costs is the bytes of all the records it passes; only those in which the client's
// name stands are parsed. README.md has what was measured.
//
// Threads:  any; every call may block on disk.
// Lifetime: borrows both; they must outlive it.
// Bounds:   one record in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/derived.h"
#include "store/ledger_reader.h"
#include "store/seq_runs.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class JournalReader {
 public:
  JournalReader(const Database& database, const Derived& derived)
      : database_(database), derived_(derived), base_(database.Base()) {}

  // Where the journal begins, and what one client was there: an unknown one, and nothing parked,
  // while it has all its records.
  struct Beginning {
    JournalNumber first{1};
    // The past is known from here on. None: all of it.
    std::optional<Timestamp> known_from;
    ClientState state;
    std::vector<ChannelEntry> entries;
    std::map<ChannelId, SeqRuns> parked;
  };
  //   kDataLoss     the journal's base is damaged
  //   kUnavailable  the journal is being trimmed, so fast that it cannot be read
  [[nodiscard]] StatusOr<Beginning> BeginningOf(const std::string& client) const;

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
  //   kOutOfRange  a record was trimmed meanwhile
  //   kDataLoss    a record is missing or damaged
  [[nodiscard]] StatusOr<Walked> Walk(const Part& part,
                                      const std::function<void(const JournalEvent&)>& take) const;

  // What there is of it.
  struct Kept {
    std::uint64_t bytes = 0;             // about so many on disk
    bool trimmed = false;                // there were earlier records
    std::optional<Timestamp> begins_at;  // when the first was committed; none: there is no record
  };
  //   kDataLoss  the journal's base, or its first record, is damaged
  [[nodiscard]] StatusOr<Kept> WhatIsKept() const;

 private:
  [[nodiscard]] Status ReadBase(const std::string& client, Beginning& out) const;
  [[nodiscard]] StatusOr<std::optional<Timestamp>> CommittedFrom(JournalNumber first) const;
  [[nodiscard]] Status NotThere(JournalNumber number) const;

  const Database& database_;
  const Derived& derived_;
  const std::unique_ptr<Database> base_;
};

}  // namespace ackwire
