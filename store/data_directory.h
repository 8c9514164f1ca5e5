// DataDirectory is a directory that holds a log: made where it does not exist, locked, and checked
// for its format, before anything in it is opened.
//
//   DATA_DIR/lock       held with flock while a program has the directory
//   DATA_DIR/format     "ackwire 2\n"; a later version is refused before anything is touched, and
//                       so is what is no log's: "ackwire 2 backup\n", "ackwire 2 restoring\n"
//   DATA_DIR/watermark  store/watermark.h
//   DATA_DIR/db/        RocksDB
//   DATA_DIR/ingest/    sorted runs on their way into it; what is left there is of no use
//
// In version 1 each row of `index` held one seq, and `failures` had no lists (store/migrate.h).
//
// Threads:  any, after Open.
// Lifetime: gives the lock back when destroyed.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "store/status.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace ackwire {

// What a directory holds, as its file `format` says. A server opens only a log's.
enum class DirectoryKind {
  kLog,
  kBackup,     // nobody writes to it, so it takes no lock, and may be on a read-only disk
  kRestoring,  // a restore in the making, or one that was cut off
};

class DataDirectory {
 public:
  static constexpr int kVersion = 6;  // of the newest format

  // Creates the directory (mode 0700) and its format where they do not exist. All files are reached
  // through `env`, which is borrowed; null is the real file system. Another file system belongs to
  // this process alone and takes no lock.
  //   kFailedPrecondition  in use by another program, or of a later format version
  //   kDataLoss            there is a database but no format
  //   kUnavailable         the directory cannot be read or written
  [[nodiscard]] static StatusOr<std::unique_ptr<DataDirectory>> Open(
      const std::filesystem::path& path, rocksdb::Env* env = nullptr);
  // The same for a directory that must be there already (kNotFound), of that kind
  // (kFailedPrecondition).
  [[nodiscard]] static StatusOr<std::unique_ptr<DataDirectory>> OpenExisting(
      const std::filesystem::path& path, rocksdb::Env* env = nullptr,
      DirectoryKind kind = DirectoryKind::kLog);
  // A new directory (mode 0700) of that kind. One that is there already must be empty
  // (kFailedPrecondition), but for what a file system has in its root.
  [[nodiscard]] static StatusOr<std::unique_ptr<DataDirectory>> Make(
      const std::filesystem::path& path, DirectoryKind kind, rocksdb::Env* env = nullptr);

  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Of its format when it was opened.
  [[nodiscard]] int version() const { return version_; }
  // The database in it is of an older format, until it is opened for writing.
  void HasDatabaseOf(int version) { version_ = version; }
  [[nodiscard]] std::string format_path() const { return path_ / "format"; }
  [[nodiscard]] std::string watermark_path() const { return path_ / "watermark"; }
  [[nodiscard]] std::string database_path() const { return path_ / "db"; }
  [[nodiscard]] std::string ingest_path() const { return path_ / "ingest"; }
  [[nodiscard]] rocksdb::Env& env() const { return env_; }

  // Puts `content` into a new or replaced file of the directory, on disk when this returns OK, and
  // never half of it.
  [[nodiscard]] Status WriteFile(const std::string& path, const std::string& content) const;

  // From now on it is a directory of that kind, of the newest format.
  [[nodiscard]] Status SetKind(DirectoryKind kind) const;

  // Puts on disk which files the directory at `path` has: without it a power cut may take a name
  // that was just made, and all that is below it.
  [[nodiscard]] Status SyncNames(const std::string& path) const;

 private:
  DataDirectory(std::filesystem::path path, rocksdb::Env& env);
  [[nodiscard]] static std::unique_ptr<DataDirectory> At(const std::filesystem::path& path,
                                                         rocksdb::Env* env);
  [[nodiscard]] Status Create() const;
  [[nodiscard]] Status SyncNamesAbove() const;
  [[nodiscard]] bool is_real() const;
  [[nodiscard]] Status TakeLock();
  [[nodiscard]] Status CheckEmpty() const;
  [[nodiscard]] Status ReadFormat(DirectoryKind kind);
  [[nodiscard]] Status WriteFirstFormat() const;

  const std::filesystem::path path_;
  rocksdb::Env& env_;
  int version_ = kVersion;
  int lock_ = -1;
};

}  // namespace ackwire
