// LedgerEntry is what one client is owed of one channel and what became of it: start, floor,
// settled runs above the floor, retries in progress. Its state is a fold over journal events; the
// connected client's session and the derived family `ledger` both use this class, so they cannot
// disagree.
//
// Threads: one owner.
// Bounds:  the session delivers nothing new while settled().runs() has kSettledRunsMax runs.
#pragma once

#include <cstdint>
#include <map>

#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire::store {
class Event;
class LedgerRow;
}  // namespace ackwire::store

namespace ackwire {

inline constexpr std::size_t kSettledRunsMax = 4096;

// A delivery of which an attempt has failed, and which is not settled.
struct Retry {
  std::uint32_t attempts = 0;  // sendings so far
  std::uint32_t counted = 0;   // of these, failures that count towards max-attempts
  Timestamp due{};             // earliest next attempt
  int reason = 0;              // ackwire.v1.Reason of the last failure
};

class LedgerEntry {
 public:
  LedgerEntry() = default;
  // A subscription that begins at `start`.
  LedgerEntry(Seq start, Timestamp created_at);

  static LedgerEntry FromRow(const store::LedgerRow& row);
  [[nodiscard]] store::LedgerRow ToRow() const;

  // Folds what `event` says of `channel`; an event that is in already changes nothing.
  void Fold(EventId id, const store::Event& event, ChannelId channel);

  // The parts of the fold, for the session that brings them about.
  void Settle(SeqRun run);
  void Fail(SeqRun run, const Retry& retry);  // keeps the count that a retry had
  void Park(Seq seq);
  void Unpark() { --parked_; }

  [[nodiscard]] bool IsSettled(Seq seq) const { return seq <= floor_ || settled_.Contains(seq); }
  // The lowest unsettled seq at or above `from`; it may be beyond the channel's last.
  [[nodiscard]] Seq FirstUnsettled(Seq from) const;
  // Owed and not settled, in a channel whose last seq is `last`.
  [[nodiscard]] std::uint64_t Undelivered(Seq last) const;
  [[nodiscard]] SeqRuns UndeliveredRuns(Seq last) const;

  // False before a subscription and after it ended.
  [[nodiscard]] bool subscribed() const { return start_.value != 0; }
  [[nodiscard]] Seq start() const { return start_; }
  [[nodiscard]] Seq floor() const { return floor_; }
  [[nodiscard]] const SeqRuns& settled() const { return settled_; }
  [[nodiscard]] const std::map<Seq, Retry>& retries() const { return retries_; }
  [[nodiscard]] std::uint64_t parked() const { return parked_; }
  [[nodiscard]] Timestamp created_at() const { return created_at_; }
  [[nodiscard]] EventId as_of() const { return as_of_; }

 private:
  Seq start_;
  Seq floor_;
  SeqRuns settled_;
  std::map<Seq, Retry> retries_;
  std::uint64_t parked_ = 0;
  Timestamp created_at_{};
  EventId as_of_;
};

}  // namespace ackwire
