// The manifest of a backup says what the backup holds, with the size and checksum of each file. It
// is written last: where there is none, the backup was cut off.
//
//   DIR/backup-manifest  a sealed store.BackupManifest (store/record.h)
//   DIR/format           "ackwire 2 backup\n" (store/data_directory.h)
//   DIR/watermark        of the log's end in it, exactly
//   DIR/db/              RocksDB; what it never writes again may be shared with the log's directory
//
// Threads: any; blocks on disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/data_directory.h"
#include "store/file_copy.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

[[nodiscard]] Status WriteManifest(const DataDirectory& backup,
                                   const store::BackupManifest& manifest);

//   kNotFound  there is none: the backup is not whole
//   kDataLoss  it is damaged
[[nodiscard]] StatusOr<store::BackupManifest> ReadManifest(const DataDirectory& backup);

// The same of the file's content; `path` names it.
//   kDataLoss  it is damaged, or names a file outside the backup
[[nodiscard]] StatusOr<store::BackupManifest> ParseManifest(std::string_view content,
                                                            const std::string& path);

// Of all files.
[[nodiscard]] std::uint64_t BytesOf(const store::BackupManifest& manifest);

// Reads each file and holds it against the manifest.
//   kDataLoss  names the file that is missing or another
[[nodiscard]] Status CheckFiles(const DataDirectory& backup, const store::BackupManifest& manifest,
                                const BytesRead& read);

// The file that was read is the one of the manifest.
//   kDataLoss  it is another
[[nodiscard]] Status CheckSum(const DataDirectory& backup, const store::BackupFile& file,
                              const FileSum& found);

}  // namespace ackwire
