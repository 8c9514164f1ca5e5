// Whether rows that were folded are of one moment: what each says, added up, must be what channels,
// clients, replays and the checkpoint say of all. RocksDB's list of files, where it was cut off,
// may bring back each family whole, and as it was at a moment of its own.
//
// Threads: any; blocks on disk.
// Bounds:  memory for the channels and replays; time for all rows but those of index and lists.
#pragma once

#include "store/database.h"
#include "store/status.h"

namespace ackwire {

// Of the derived families, or of a base as Database::Base gives it.
//   kDataLoss  they do not add up, or a row is damaged; names the first
[[nodiscard]] Status CheckRowSums(const Database& folded);

}  // namespace ackwire
