// The replays, as they stand in RocksDB.
//
// Threads: any; blocks on disk.
#pragma once

#include "store/database.h"
#include "store/derived_rows.h"
#include "store/replay_table.h"
#include "store/status.h"

namespace ackwire {

//   kDataLoss  a row is damaged
[[nodiscard]] StatusOr<ReplayTable> ReadReplays(const Database& database);

// In order of key.
[[nodiscard]] Status VisitReplays(const ReplayTable::Changes& changes, const VisitRow& visit);

}  // namespace ackwire
