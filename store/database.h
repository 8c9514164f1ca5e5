// Database opens a data directory: the directory lock, the format version, RocksDB with its column
// families, the epoch. Everything else in store reads and writes through it.
//
//   DATA_DIR/lock     held with flock while a server has the directory
//   DATA_DIR/format   "ackwire 1\n"; another version is refused before anything is touched
//   DATA_DIR/db/      RocksDB
//
//   meta   epoch    -> 32 hexadecimal digits
//          derived  -> DerivedCheckpoint
//          relay    -> position:u64be number:u64be
//
// Threads:  any, after Open.
// Lifetime: outlives whatever borrows it; closes RocksDB and gives the lock back when destroyed.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "store/rng.h"
#include "store/status.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Iterator;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace ackwire {

enum class Family {
  kMeta,
  kLog,
  kOutbox,
  kJournal,
  kIndex,
  kIds,
  kChannels,
  kLedger,
  kMembers,
  kParked,
  kFailures,
  kHistory,
};
inline constexpr std::size_t kFamilies = 12;

namespace meta {
inline constexpr char kEpoch[] = "epoch";
inline constexpr char kDerived[] = "derived";
inline constexpr char kRelay[] = "relay";
}  // namespace meta

enum class Sync { kNo, kYes };

class Database {
 public:
  // Creates the directory (mode 0700) and what is in it where it does not exist.
  //   kFailedPrecondition  locked by another server, or of another format version
  //   kDataLoss            RocksDB found damage
  //   kUnavailable         the directory cannot be read or written
  // `env` is borrowed; null is the real file system.
  [[nodiscard]] static StatusOr<std::unique_ptr<Database>> Open(
      const std::filesystem::path& directory, Rng& rng, rocksdb::Env* env = nullptr);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The value of `key`; none when there is none.
  [[nodiscard]] StatusOr<std::optional<std::string>> Get(Family family,
                                                         const std::string& key) const;

  // One atomic batch. With Sync::kYes it is on disk when this returns OK.
  [[nodiscard]] Status Write(rocksdb::WriteBatch& batch, Sync sync);

  // Over the family's keys in [from, to); an empty `to` is the end. Reads what was written before.
  struct Range {
    std::string from;
    std::string to;
  };
  [[nodiscard]] std::unique_ptr<rocksdb::Iterator> NewIterator(Family family,
                                                               const Range& range) const;

  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  [[nodiscard]] rocksdb::DB& rocks() const { return *db_; }
  [[nodiscard]] const std::string& epoch() const { return epoch_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  // Bytes of all files in the directory.
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  explicit Database(std::filesystem::path directory);
  [[nodiscard]] Status TakeLock();
  [[nodiscard]] Status CheckFormat();
  [[nodiscard]] Status OpenRocks(rocksdb::Env* env);
  [[nodiscard]] Status ReadOrMakeEpoch(Rng& rng);

  const std::filesystem::path directory_;
  int lock_ = -1;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles_{};
  std::string epoch_;
};

// RocksDB's answer as a Status that says what was tried.
[[nodiscard]] Status FromRocks(const rocksdb::Status& status, const std::string& tried);

}  // namespace ackwire
