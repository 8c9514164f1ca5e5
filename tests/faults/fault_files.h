// The open files and directories of a FaultFileSystem.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>

#include "tests/faults/fault_disk.h"

namespace ackwire {

// REQUIRES: `handle` was opened with a mode that suits.
struct OpenFile {
  std::shared_ptr<FaultDisk> disk;
  FaultDisk::Handle handle;
};

[[nodiscard]] std::unique_ptr<rocksdb::FSSequentialFile> MakeSequentialFile(OpenFile file);
[[nodiscard]] std::unique_ptr<rocksdb::FSRandomAccessFile> MakeRandomAccessFile(OpenFile file);
[[nodiscard]] std::unique_ptr<rocksdb::FSWritableFile> MakeWritableFile(OpenFile file);
[[nodiscard]] std::unique_ptr<rocksdb::FSRandomRWFile> MakeRandomRwFile(OpenFile file);
[[nodiscard]] std::unique_ptr<rocksdb::FSDirectory> MakeDirectoryHandle(OpenFile directory);

}  // namespace ackwire
