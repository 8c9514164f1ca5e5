// Files as streams of bytes: copied, or read for their checksum.
//
// Threads: any; blocks on disk.
// Bounds:  a chunk in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "store/status.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace ackwire {

// Told how many more bytes were read; what it returns other than OK ends the work.
using BytesRead = std::function<Status(std::uint64_t bytes)>;

// What is in a file.
struct FileSum {
  std::uint64_t bytes = 0;
  std::uint32_t crc32c = 0;
  friend bool operator==(const FileSum&, const FileSum&) = default;
};

struct FileCopy {
  std::string from;
  std::string to;
  std::uint64_t bytes = 0;  // from its beginning: it may be growing
};

// Makes a new file, on disk when this returns OK (but for its name: DataDirectory::SyncNames).
//   kDataLoss          `from` is shorter
//   kResourceExhausted the disk is full (IsDiskFull)
//   kUnavailable       a file cannot be read or written
[[nodiscard]] StatusOr<FileSum> CopyFile(rocksdb::Env& env, const FileCopy& copy,
                                         const BytesRead& read);

// Reads the whole file.
[[nodiscard]] StatusOr<FileSum> SumFile(rocksdb::Env& env, const std::string& path,
                                        const BytesRead& read);

}  // namespace ackwire
