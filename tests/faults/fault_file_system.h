// FaultFileSystem is a FaultDisk as RocksDB wants a file system. It serves all that RocksDB 7.8
// asks of one, except direct I/O and memory maps.
//
//   auto files = std::make_shared<FaultFileSystem>(seed);
//   const auto env = rocksdb::NewCompositeEnv(files);  // or a FaultEnv
//   files->disk().Order({.nth = 17, .kind = FaultKind::kNoSpace});
//
// RocksDB's info log goes nowhere: it tells the time, so its lines would make runs of one seed
// differ, and its writes are not those whose failing matters.
//
// Threads: any.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/faults/fault_disk.h"

namespace ackwire {

// RocksDB writes its options down at each start, reads them again and compares; nobody reads them
// afterwards, and it goes on where it cannot. That takes longer than the rest of a start, which
// whoever makes ten thousand starts may want to do without.
enum class OptionsFiles { kWritten, kNone };

class FaultFileSystem final : public rocksdb::FileSystem {
 public:
  template <typename T>
  using Unique = std::unique_ptr<T>;
  using Path = std::string;
  using IOStatus = rocksdb::IOStatus;
  using IOOptions = rocksdb::IOOptions;
  using FileOptions = rocksdb::FileOptions;
  using Debug = rocksdb::IODebugContext;

  explicit FaultFileSystem(std::uint64_t seed = 0,
                           OptionsFiles options_files = OptionsFiles::kWritten)
      : disk_(std::make_shared<FaultDisk>(seed)), options_files_(options_files) {}

  [[nodiscard]] FaultDisk& disk() { return *disk_; }

  const char* Name() const override { return "FaultFileSystem"; }

  IOStatus NewSequentialFile(const Path& path, const FileOptions& options,
                             Unique<rocksdb::FSSequentialFile>* file, Debug* debug) override;
  IOStatus NewRandomAccessFile(const Path& path, const FileOptions& options,
                               Unique<rocksdb::FSRandomAccessFile>* file, Debug* debug) override;
  IOStatus NewWritableFile(const Path& path, const FileOptions& options,
                           Unique<rocksdb::FSWritableFile>* file, Debug* debug) override;
  IOStatus ReopenWritableFile(const Path& path, const FileOptions& options,
                              Unique<rocksdb::FSWritableFile>* file, Debug* debug) override;
  IOStatus NewRandomRWFile(const Path& path, const FileOptions& options,
                           Unique<rocksdb::FSRandomRWFile>* file, Debug* debug) override;
  IOStatus NewDirectory(const Path& path, const IOOptions& options,
                        Unique<rocksdb::FSDirectory>* directory, Debug* debug) override;
  IOStatus NewLogger(const Path& path, const IOOptions& options,
                     std::shared_ptr<rocksdb::Logger>* logger, Debug* debug) override;

  IOStatus FileExists(const Path& path, const IOOptions& options, Debug* debug) override;
  IOStatus GetChildren(const Path& path, const IOOptions& options, std::vector<std::string>* names,
                       Debug* debug) override;
  IOStatus GetFileSize(const Path& path, const IOOptions& options, std::uint64_t* size,
                       Debug* debug) override;
  IOStatus GetFileModificationTime(const Path& path, const IOOptions& options, std::uint64_t* time,
                                   Debug* debug) override;
  IOStatus NumFileLinks(const Path& path, const IOOptions& options, std::uint64_t* count,
                        Debug* debug) override;
  IOStatus AreFilesSame(const Path& one, const Path& other, const IOOptions& options, bool* same,
                        Debug* debug) override;
  IOStatus IsDirectory(const Path& path, const IOOptions& options, bool* is, Debug* debug) override;
  IOStatus GetFreeSpace(const Path& path, const IOOptions& options, std::uint64_t* bytes,
                        Debug* debug) override;
  IOStatus GetAbsolutePath(const Path& path, const IOOptions& options, std::string* absolute,
                           Debug* debug) override;
  IOStatus GetTestDirectory(const IOOptions& options, std::string* path, Debug* debug) override;

  IOStatus Truncate(const Path& path, std::size_t size, const IOOptions& options,
                    Debug* debug) override;
  IOStatus DeleteFile(const Path& path, const IOOptions& options, Debug* debug) override;
  IOStatus CreateDir(const Path& path, const IOOptions& options, Debug* debug) override;
  IOStatus CreateDirIfMissing(const Path& path, const IOOptions& options, Debug* debug) override;
  IOStatus DeleteDir(const Path& path, const IOOptions& options, Debug* debug) override;
  IOStatus RenameFile(const Path& from, const Path& to, const IOOptions& options,
                      Debug* debug) override;
  IOStatus LinkFile(const Path& from, const Path& to, const IOOptions& options,
                    Debug* debug) override;
  IOStatus LockFile(const Path& path, const IOOptions& options, rocksdb::FileLock** lock,
                    Debug* debug) override;
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& options, Debug* debug) override;

 private:
  const std::shared_ptr<FaultDisk> disk_;  // shared with the files that are open
  const OptionsFiles options_files_;
};

}  // namespace ackwire
