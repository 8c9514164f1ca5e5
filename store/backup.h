// A backup is a copy of a log's directory, made while the log is written to. It holds all that was
// answered before it was asked for, and nothing that is not on disk in the original.
//
//   DIR.partial  the backup in the making; what is left there by a crash is of no use
//   DIR          the whole one (store/backup_manifest.h), by a rename in the end
//
// On the same file system files that RocksDB never writes again are shared by hard links, and all
// else is copied; on another, all is.
//
// Threads: any, one backup of a database at a time. Blocks on disk; commits go on meanwhile.
// Durable: when it returns OK. Whatever else it returns, nothing is left but what a full disk or a
//          crash kept it from removing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "store/clock.h"
#include "store/database.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

struct BackupOptions {
  std::filesystem::path path;  // absolute; must not exist, or be empty
  const Clock& clock;
  std::uint64_t seed = 0;  // of the backup's id
  std::string version;     // of this program
  std::string boot_id;     // of the running kernel
  // What a copy leaves free on the disk that the database itself needs.
  std::uint64_t min_free_bytes = 0;
  // Told of one stage how many bytes are done; what it returns other than OK ends the backup.
  std::function<Status(const std::string& stage, std::uint64_t done, std::uint64_t total)> progress;
};

//   kInvalidArgument    the path is not absolute
//   kFailedPrecondition there is something at the path, or left of a backup that was cut off
//   kResourceExhausted  the disk is full (IsDiskFull)
//   kUnavailable        a file cannot be read or written
//   kDataLoss           the copy is not a log that a server would open: the database is damaged
[[nodiscard]] StatusOr<store::BackupManifest> MakeBackup(Database& database,
                                                         const BackupOptions& options);

}  // namespace ackwire
