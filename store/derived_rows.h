// The rows that a frozen tail brings, as they are to stand in RocksDB.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "store/database.h"
#include "store/derived.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

// No value is a deletion.
using VisitRow =
    std::function<Status(Family, const std::string& key, const std::optional<std::string>& value)>;

// The checkpoint on disk; of nothing folded where there is none.
//   kDataLoss  it is damaged
[[nodiscard]] StatusOr<store::DerivedCheckpoint> ReadCheckpoint(const Database& database);

// Visits every row, a family at a time and in order of key within it, the checkpoint (of `meta`)
// among them. Ledger rows are the stored ones with the tail's events folded onto them. Of a family
// that the database has not there are none.
// A stored row that is damaged is left out.
//   else what `visit` returned
[[nodiscard]] Status ForEachRow(const Database& database, const FrozenTail& frozen,
                                const VisitRow& visit);

}  // namespace ackwire
