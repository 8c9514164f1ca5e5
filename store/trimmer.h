// Trimmer lets go of the oldest records of the journal, by their age and by the bytes that all
// take, in bounded steps: it folds them onto the journal's base (store/base.h), drops the rows of
// `failures` and `history` that list them, and deletes them. Cut off anywhere in between, the next
// step goes on: what lies at or before the base counts for nothing.
//
// It stops before a record that somebody needs: what is not folded into the derived families or
// handed over yet; attempts of deliveries that are parked or tried again, and what parked them; the
// start of a replay that goes on; and the newest, which say how far the log was on disk. Nor does
// it begin while a client is being forgotten.
//
// Threads:  the background thread, behind each move of the tail.
// Durable:  rows and records are deleted behind the base that replaces them, in the order of the
//           write-ahead log.
// Lifetime: borrows all it is given.
// Bounds:   a step, by kTrimRowsAtOnce and the size of one record. In memory are the channels and
//           replays once more while there is more to do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/database.h"
#include "store/derived.h"
#include "store/ledger_reader.h"
#include "store/recovery.h"
#include "store/status.h"
#include "store/types.h"

namespace rocksdb {
class WriteBatch;
}

namespace ackwire {

class Refold;
namespace store {
class JournalRecord;
}

// What is kept of the journal. None: all.
struct JournalRetention {
  std::optional<Duration> age;         // records that were committed so long ago may go
  std::optional<std::uint64_t> bytes;  // about so much may stay on disk
  [[nodiscard]] bool limited() const { return age || bytes; }
};

// Messages, records and events that one step folds, some tens of milliseconds.
inline constexpr std::uint64_t kTrimRowsAtOnce = 10'000;
// From the end of a trimming to the beginning of the next: a hundredth of the age that is kept, at
// most so long. Each reads all channels and has tables written anew, and what holds the journal may
// give way record by record.
inline constexpr Duration kTrimRestMax{30'000};

// One step, or several.
struct Trimmed {
  std::uint64_t records = 0;  // that went
  JournalNumber last;         // of them
  Timestamp up_to{};          // when that was committed
  bool more = false;          // there may be more that may go
  // Why the oldest stays though it is old enough, for people; empty: it is not held.
  std::string held_by;
};

class Trimmer {
 public:
  struct Dependencies {
    Database& database;
    const Derived& derived;
    const LedgerReader& ledger;
  };
  // A step folds so many rows, and what is left of the last commit's messages.
  Trimmer(Dependencies dependencies, JournalRetention keeps,
          std::uint64_t rows_at_once = kTrimRowsAtOnce);
  ~Trimmer();
  Trimmer(const Trimmer&) = delete;
  Trimmer& operator=(const Trimmer&) = delete;

  //   kDataLoss  a record, or the base, is damaged: nothing behind it can be trimmed
  [[nodiscard]] StatusOr<Trimmed> Step(Timestamp now);
  // The base was changed by somebody else: what is known of it is read again.
  void BaseChanged();

 private:
  // What may go next: up to this record, zero when none may.
  struct Pick {
    JournalNumber last;
    std::string held_by;
  };
  [[nodiscard]] StatusOr<bool> MayBegin() const;
  [[nodiscard]] StatusOr<FoldPoint> Point() const;
  [[nodiscard]] StatusOr<Pick> PickAfter(const FoldPoint& after, Timestamp now) const;
  // No record behind it is looked at; `held_by` says which replay needs the next, if one does.
  [[nodiscard]] StatusOr<Pick> LastFree() const;
  [[nodiscard]] std::uint64_t ExcessAfter(JournalNumber after) const;
  // Who needs it, for people; empty: nobody.
  [[nodiscard]] StatusOr<std::string> NeededBy(JournalNumber number,
                                               const store::JournalRecord& record) const;
  [[nodiscard]] Status FoldUpTo(JournalNumber last);
  [[nodiscard]] Status DropUpTo(JournalNumber last, Trimmed& trimmed);
  [[nodiscard]] Status AddListing(JournalNumber number, const store::JournalRecord& record,
                                  rocksdb::WriteBatch& batch) const;

  const Dependencies deps_;
  const JournalRetention keeps_;
  const std::uint64_t rows_at_once_;
  const std::unique_ptr<Database> base_;
  std::unique_ptr<Refold> fold_;  // of the base, from step to step while there is more to do
  JournalNumber dropped_;         // by this life
  bool dropped_before_ = false;   // what an earlier life left
  Timestamp rests_until_{};
  std::string held_by_;  // when it last looked
};

}  // namespace ackwire
