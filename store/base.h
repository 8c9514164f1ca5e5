// The journal's base: what had folded from it up to the record at which it was trimmed, so that the
// rest can be folded onto that (store/trimmer.h). It is clients' rows, members, what is parked,
// replays, channels and the sums, with a checkpoint that says up to where, in families of its own;
// Database::Base shows these as if they were what is derived. `index` and `ids` fold from the log
// alone, and `failures` and `history` list records that are there no more.
//
// Records up to the base's, and rows that list them, are what a trimming has left, and count for
// nothing.
//
// Threads: any; blocks on disk.
#pragma once

#include <string_view>

#include "store/database.h"
#include "store/forgotten_client.h"
#include "store/recovery.h"
#include "store/status.h"

namespace rocksdb {
class WriteBatch;
}

namespace ackwire {

// Up to where the base goes; zero where the journal has all its records.
//   kDataLoss  the base's checkpoint is damaged
[[nodiscard]] StatusOr<FoldPoint> BasePoint(const Database& database);

// Whether it is a base, as Database::Base gives it.
[[nodiscard]] bool IsBase(const Database& database);

// Whether this row of `failures` or `history` lists a record up to this one.
[[nodiscard]] bool ListedUpTo(JournalNumber number, Family family, std::string_view key,
                              std::string_view value);

// About how many bytes of records there are behind this one.
[[nodiscard]] StatusOr<std::uint64_t> JournalBytesAfter(const Database& database,
                                                        JournalNumber number);

// These two take a base as Database::Base gives it, or what is derived in its place.

// Puts its rows in the place of those that `into` has.
//   kDataLoss  a row is damaged
[[nodiscard]] Status CopyBase(const Database& base, Database& into);

// Adds to the batch what erases a client that is forgotten, so that the base is as if it had folded
// from records in which the client is erased. Once more it changes nothing.
//   kDataLoss  the base is damaged
[[nodiscard]] Status EraseFromBase(const Database& base, const ForgottenClient& forgotten,
                                   rocksdb::WriteBatch& batch);

}  // namespace ackwire
