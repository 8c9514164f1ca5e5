// Salvage reads all that can be read in a damaged data directory, which it only reads: every table
// file that is there, named by the MANIFEST or not, and every record of the write-ahead logs, also
// behind a damaged one. Rows are put into a database of its own.
//
// Of log and journal a key has one value for ever, so it does not matter in which order they are
// found. Of the others the newest is kept: a ledger row by `as_of`, a channel by its last seq, a
// checkpoint by its position; and of `index`, whose rows never disagree, the longest.
//
// Threads: one; blocks on disk.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "store/data_directory.h"
#include "store/database.h"
#include "store/status.h"

namespace ackwire {

struct DamagedFile {
  std::string file;
  std::string damage;
};

struct Salvaged {
  // Families log, journal, index, channels, ledger, members, parked and meta. Log and journal hold
  // only rows that are whole. And the journal's base: which rows of it are deleted, only the
  // database itself can tell, so it is read from there, and is whole or of no use.
  std::unique_ptr<Database> rows;
  bool base_is_whole = false;
  std::vector<DamagedFile> files;
};

// `scratch` must not exist; it is made, and is the caller's to remove.
[[nodiscard]] StatusOr<Salvaged> Salvage(const DataDirectory& damaged,
                                         const std::filesystem::path& scratch);

}  // namespace ackwire
