// Reads log and journal again, in the order in which they were committed.
#pragma once

#include <functional>

#include "store/committed_group.h"
#include "store/database.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

struct FoldPoint {
  Position position;
  JournalNumber number;
};

// Calls `apply` with everything beyond `from`, oldest first, until it wants no more: the messages
// up to a journal record's position, then the record. The groups need not be those of the commits;
// their order is the same.
//   kDataLoss  a position or journal number is missing, or a record is damaged
enum class Fold { kOn, kEnough };
[[nodiscard]] Status FoldFrom(const Database& database, FoldPoint from,
                              const std::function<StatusOr<Fold>(const SharedGroup&)>& apply);

// Parses the value of a log row.
//   kDataLoss  the value is damaged, or is the row of another position
[[nodiscard]] StatusOr<StoredMessage> ParseLogRow(Position position, std::string_view value);

// The value of a log row.
[[nodiscard]] std::string MakeLogRow(const StoredMessage& stored);

}  // namespace ackwire
