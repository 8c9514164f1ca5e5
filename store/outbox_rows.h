// OutboxRows is the outbox on disk, for the relay: what was committed, in order, from a checkpoint
// on.
//
// Threads:  one, the relay's. Calls block on disk.
// Lifetime: borrows both; they must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/committed_group.h"
#include "store/database.h"
#include "store/log_reader.h"
#include "store/status.h"

namespace ackwire {

// A commit, by what the log and the journal end at after it. Commits are in order of both.
struct OutboxPoint {
  Position last;
  JournalNumber number;  // zero in the point of a commit without a journal record
  friend auto operator<=>(const OutboxPoint&, const OutboxPoint&) = default;
};

// Up to where everything was handed over when the relay's checkpoint was last written.
[[nodiscard]] StatusOr<OutboxPoint> LoadRelayCheckpoint(const Database& database);

class OutboxRows {
 public:
  OutboxRows(Database& database, const LogReader& log) : database_(database), log_(log) {}

  [[nodiscard]] StatusOr<OutboxPoint> LoadCheckpoint() const {
    return LoadRelayCheckpoint(database_);
  }
  // Number of commits after `point`.
  [[nodiscard]] StatusOr<std::uint64_t> CountAfter(OutboxPoint point) const;
  // The commit after `point`, read again from log and journal; null when there is none.
  //   kDataLoss  the row, or what it names, is damaged or missing
  [[nodiscard]] StatusOr<SharedGroup> Next(OutboxPoint point) const;
  // Writes the checkpoint and deletes the rows up to it, in one batch. Not synced: an older
  // checkpoint only means that commits are handed over again.
  [[nodiscard]] Status Trim(OutboxPoint point);

 private:
  [[nodiscard]] StatusOr<SharedGroup> FindNext(OutboxPoint point) const;
  [[nodiscard]] StatusOr<SharedGroup> ReadGroup(OutboxPoint point,
                                                const store::OutboxRow& row) const;

  Database& database_;
  const LogReader& log_;
};

[[nodiscard]] OutboxPoint PointOf(const CommittedGroup& group);

// Of a row's key; none when it is none.
[[nodiscard]] std::optional<OutboxPoint> ParseOutboxKey(std::string_view key);
// Where the rows after `point` begin.
[[nodiscard]] std::string OutboxKeyAfter(OutboxPoint point);
}  // namespace ackwire
