// LogReader reads messages back: by position, by channel and seq, by message id. Nothing beyond the
// last position that is on disk is ever returned.
//
// Threads:  any; every call may block on disk.
// Lifetime: borrows both; they must outlive it.
#pragma once

#include <vector>

#include "store/committed_group.h"
#include "store/database.h"
#include "store/derived.h"
#include "store/seq_runs.h"
#include "store/status.h"

namespace ackwire {

enum class Direction { kForward, kReverse };

// How much of a channel, or of the log, one read takes. At least one message is returned where
// there is one, whatever its size.
struct ReadRange {
  std::uint64_t from = 0;  // seq or position; 0: from the beginning, or from the end when reverse
  std::size_t messages_max = 0;
  std::size_t bytes_max = 1ULL << 20U;
  Direction direction = Direction::kForward;
};

class LogReader {
 public:
  LogReader(const Database& database, const Derived& derived)
      : database_(database), derived_(derived) {}

  // In the order of the direction; empty at the end. What cannot be read ends it early, like
  // bytes_max, unless it is the first.
  //   kDataLoss  the first is missing or damaged
  [[nodiscard]] StatusOr<std::vector<StoredMessage>> ReadLog(const ReadRange& range) const;
  [[nodiscard]] StatusOr<std::vector<StoredMessage>> ReadChannel(ChannelId channel,
                                                                 const ReadRange& range) const;

  //   kNotFound  there is no such position or seq
  [[nodiscard]] StatusOr<StoredMessage> ReadAt(Position position) const;
  [[nodiscard]] StatusOr<StoredMessage> ReadSeq(ChannelId channel, Seq seq) const;

  // The message of this id in this channel; none when there is none.
  [[nodiscard]] StatusOr<std::optional<StoredMessage>> FindById(ChannelId channel,
                                                                const std::string& id) const;

  // The same, where `ids` says that it is at `position`: none when it was removed from there.
  //   kDataLoss  another message is there
  [[nodiscard]] StatusOr<std::optional<StoredMessage>> ReadId(ChannelId channel,
                                                              const std::string& id,
                                                              Position position) const;

  // The position of each seq of the run, in order. A row that cannot be read ends it early: it
  // begins behind that row in reverse, and else ends before it.
  //   kDataLoss  the row of the first (in reverse, of the last) is missing or damaged
  [[nodiscard]] StatusOr<std::vector<Position>> Positions(
      ChannelId channel, SeqRun run, Direction direction = Direction::kForward) const;

 private:
  const Database& database_;
  const Derived& derived_;
};

}  // namespace ackwire
