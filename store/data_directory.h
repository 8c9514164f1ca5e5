// DataDirectory is a directory that holds a log: made where it does not exist, locked, and checked
// for its format, before anything in it is opened.
//
//   DATA_DIR/lock       held with flock while a program has the directory
//   DATA_DIR/format     "ackwire 1\n"; another version is refused before anything is touched
//   DATA_DIR/watermark  store/watermark.h
//   DATA_DIR/db/        RocksDB
//   DATA_DIR/ingest/    sorted runs on their way into it; what is left there is of no use
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

class DataDirectory {
 public:
  // Creates the directory (mode 0700) and its format where they do not exist. All files are reached
  // through `env`, which is borrowed; null is the real file system. Another file system belongs to
  // this process alone and takes no lock.
  //   kFailedPrecondition  in use by another program, or of another format version
  //   kDataLoss            there is a database but no format
  //   kUnavailable         the directory cannot be read or written
  [[nodiscard]] static StatusOr<std::unique_ptr<DataDirectory>> Open(
      const std::filesystem::path& path, rocksdb::Env* env = nullptr);
  // The same for a directory that must be there already (kNotFound).
  [[nodiscard]] static StatusOr<std::unique_ptr<DataDirectory>> OpenExisting(
      const std::filesystem::path& path, rocksdb::Env* env = nullptr);

  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string format_path() const { return path_ / "format"; }
  [[nodiscard]] std::string watermark_path() const { return path_ / "watermark"; }
  [[nodiscard]] std::string database_path() const { return path_ / "db"; }
  [[nodiscard]] std::string ingest_path() const { return path_ / "ingest"; }
  [[nodiscard]] rocksdb::Env& env() const { return env_; }

  // Puts `content` into a new or replaced file of the directory, on disk when this returns OK, and
  // never half of it.
  [[nodiscard]] Status WriteFile(const std::string& path, const std::string& content) const;

 private:
  DataDirectory(std::filesystem::path path, rocksdb::Env& env);
  [[nodiscard]] static StatusOr<std::unique_ptr<DataDirectory>> Take(
      const std::filesystem::path& path, rocksdb::Env* env, bool create);
  [[nodiscard]] Status Create() const;
  // Without these, a power cut may take a name that was just made, and all that is below it.
  [[nodiscard]] Status SyncNames(const std::string& path) const;
  [[nodiscard]] Status SyncNamesAbove() const;
  [[nodiscard]] bool is_real() const;
  [[nodiscard]] Status TakeLock();
  [[nodiscard]] Status CheckFormat() const;

  const std::filesystem::path path_;
  rocksdb::Env& env_;
  int lock_ = -1;
};

}  // namespace ackwire
