// FailureReader lists failures, newest or oldest first: all of them, or those of a client, a
// channel, a reason or a message, at the cost of what it returns. Where a query says several of
// these, the narrowest list is read, and the rest of it passed over.
//
// Threads:  any; every call may block on disk.
// Lifetime: borrows both; they must outlive it.
#pragma once

#include <functional>
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

struct FailureQuery {
  std::string client;              // empty: any
  std::string channel;             // exact, or a prefix ending in *; empty: any
  Seq seq;                         // with an exact channel; zero: any
  std::set<int> reasons;           // ackwire.v1.Reason; empty: any
  std::optional<Timestamp> since;  // it happened then or later
  std::optional<Timestamp> until;  // it happened before
  // Nothing else is asked about what does not pass it. Null: all pass.
  std::function<StatusOr<bool>(const Failure&)> passes;
};

class FailureReader {
 public:
  FailureReader(const Database& database, const Derived& derived)
      : database_(database), derived_(derived) {}

  // `next` is where the next page goes on, zero at the end. Before the end, too, a page may hold
  // fewer than the limit, or none: a call looks at no more than kRecordsLookedAtMax records.
  static constexpr std::size_t kRecordsLookedAtMax = 1000;
  struct Page {
    std::vector<Failure> failures;
    FailureId next;
  };
  // Begins at `from`, included; zero: at the oldest, or in reverse at the newest.
  struct Part {
    FailureId from;
    Direction direction = Direction::kReverse;
    std::size_t limit = 0;
  };
  //   kDataLoss  a record is damaged
  [[nodiscard]] StatusOr<Page> List(const FailureQuery& query, const Part& part) const;

 private:
  // Which records to look at: those of a list, or a few that are known.
  struct Plan {
    std::string list;
    std::optional<std::set<JournalNumber>> few;
    JournalNumber first;  // of those that the query's times allow
    JournalNumber last;
  };
  [[nodiscard]] StatusOr<Plan> PlanFor(const FailureQuery& query, ChannelId channel) const;
  // Up to kNumbersAtOnce of them from `from` on, in that direction.
  [[nodiscard]] StatusOr<std::vector<JournalNumber>> Numbers(const Plan& plan, JournalNumber from,
                                                             Direction direction) const;
  // Adds what matches in a record. Sets `next` when the page is full.
  [[nodiscard]] Status AddFrom(JournalNumber number, const FailureQuery& query, const Part& part,
                               Page& page) const;
  [[nodiscard]] StatusOr<bool> Matches(const Failure& failure, const FailureQuery& query) const;

  // The lowest record that was committed at `time` or later; one behind the last when none was.
  [[nodiscard]] StatusOr<JournalNumber> FirstSince(Timestamp time) const;
  // None when it is not there (any more).
  [[nodiscard]] StatusOr<std::optional<store::JournalRecord>> Record(JournalNumber number) const;
  [[nodiscard]] StatusOr<std::set<JournalNumber>> NumbersOf(ChannelId channel, Seq seq) const;

  const Database& database_;
  const Derived& derived_;
};

}  // namespace ackwire
