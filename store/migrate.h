// Makes the log that an older server wrote one of the newest format, when it is opened for writing.
//
// Threads:  one; blocks on disk, longer the longer the journal is.
// Durable:  once it returns OK. Cut off, it begins again at the next start.
#pragma once

#include "store/database.h"
#include "store/status.h"

namespace ackwire {

// Does nothing to a log of the newest format.
//   kDataLoss  the checkpoint of the derived families is damaged
[[nodiscard]] Status Migrate(Database& database);

// Formats 2 and 5 lack families alone, which RocksDB makes. What format 1 lacks: the lists of
// family `failures`, of all that is folded.
inline constexpr int kFirstWithFailureLists = 2;
[[nodiscard]] Status BackfillFailureLists(Database& database);

}  // namespace ackwire
