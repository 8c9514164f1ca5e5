// FailureReader lists failures, newest or oldest first: all of them, or those of a client, a
// channel, of reasons or of a message, at the cost of what it returns. Where a query says several
// of these, the narrowest list is read, and the rest of it passed over; so it is with a prefix that
// many channels share.
//
// Threads:  any; every call may block on disk.
// Lifetime: borrows both; they must outlive it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/derived.h"
#include "store/failures.h"
#include "store/log_reader.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

// A record is committed some 50 ms after what it tells of, and later while the disk is slow: so
// long after a time in question one still looks for what had happened by then.
inline constexpr Duration kRecordedWithin{60'000};

// Whether a channel is the one wanted: exact, or a prefix ending in *.
[[nodiscard]] bool ChannelFits(const std::string& name, const std::string& wanted);

struct FailureQuery {
  std::string client;     // empty: any
  std::string channel;    // exact, or a prefix ending in *; empty: any
  Seq seq;                // with an exact channel; zero: any
  std::set<int> reasons;  // ackwire.v1.Reason; empty: any
  // When it happened: then or later; before.
  std::optional<Timestamp> since;
  std::optional<Timestamp> until;
};

class FailureReader {
 public:
  FailureReader(const Database& database, const Derived& derived)
      : database_(database), derived_(derived) {}

  // `next` is where the next page goes on, zero at the end. Before the end, too, a page may hold
  // fewer than the limit, or none: a call looks at no more than kRecordsLookedAtMax records, and
  // kFailuresLookedAtMax failures of them. It may end in the middle of a record.
  static constexpr std::size_t kRecordsLookedAtMax = 1000;
  static constexpr std::size_t kFailuresLookedAtMax = 20'000;
  struct Page {
    std::vector<Failure> failures;
    FailureId next;
  };
  // The records that may hold what a query asks for, as far as its times say.
  struct Records {
    JournalNumber first;
    JournalNumber last;
  };
  // Reads some twenty records for each of the two times.
  [[nodiscard]] StatusOr<Records> RecordsOf(const FailureQuery& query) const;
  // Begins at `from`, included; zero: at the oldest, or in reverse at the newest.
  struct Part {
    FailureId from;
    Direction direction = Direction::kReverse;
    std::size_t limit = 0;
    std::optional<Records> within;  // for who asks for many parts; none: RecordsOf the query
  };
  // A damaged record ends a page early, unless it is the first.
  //   kDataLoss  the first is damaged; the message says with which id what lies behind it begins
  [[nodiscard]] StatusOr<Page> List(const FailureQuery& query, const Part& part) const;

 private:
  [[nodiscard]] std::vector<std::string> ListsFor(const FailureQuery& query) const;
  // Those of all channels whose names begin like this; of many, more than kListsMax.
  [[nodiscard]] std::vector<std::string> ListsOfPrefix(const std::string& prefix) const;
  // Up to kNumbersAtOnce of what the lists name from `from` on, in that direction.
  [[nodiscard]] StatusOr<std::vector<JournalNumber>> Numbers(const std::vector<std::string>& lists,
                                                             JournalNumber from,
                                                             Direction direction) const;
  // A page while it is made.
  struct Filling {
    const FailureQuery& query;
    const Part& part;
    Page page;
    std::size_t records = 0;   // looked at
    std::size_t failures = 0;  // the same
  };
  // Adds what matches in a record. Sets `next` when the page is full.
  [[nodiscard]] Status AddFrom(JournalNumber number, Filling& filling) const;
  [[nodiscard]] bool Matches(const Failure& failure, const FailureQuery& query) const;

  // The lowest record that was committed at `time` or later; one behind the last when none was.
  [[nodiscard]] StatusOr<JournalNumber> FirstSince(Timestamp time) const;
  // None when it is not there (any more).
  [[nodiscard]] StatusOr<std::optional<store::JournalRecord>> Record(JournalNumber number) const;

  const Database& database_;
  const Derived& derived_;
};

}  // namespace ackwire
