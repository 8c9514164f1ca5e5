// Database is RocksDB in a data directory: its column families and the log's epoch. Everything else
// in store reads and writes through it.
//
//   meta   epoch    -> 32 hexadecimal digits
//          derived  -> DerivedCheckpoint
//          relay    -> position:u64be number:u64be
//
// Threads:  any, after Open.
// Lifetime: outlives whatever borrows it; closes RocksDB when destroyed.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/damage_watch.h"
#include "store/data_directory.h"
#include "store/rng.h"
#include "store/status.h"
#include "store/types.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Iterator;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace ackwire {

class BackgroundListener;
class GuardedEnv;

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
  kReplays,
  kBaseMeta,
  kBaseChannels,
  kBaseLedger,
  kBaseMembers,
  kBaseParked,
  kBaseReplays,
};
inline constexpr std::size_t kFamilies = 19;

namespace meta {
inline constexpr char kEpoch[] = "epoch";
inline constexpr char kDerived[] = "derived";
inline constexpr char kRelay[] = "relay";
}  // namespace meta

// What a commit waits for: the disk; or the kernel, and a power cut may take the newest.
enum class Durability { kFsync, kBuffered };

enum class Sync { kNo, kYes };

// What opening does with a damaged record of the write-ahead log: end there, which is for
// CheckDirectory to notice; refuse; or go on behind it, which is for salvage alone.
enum class WalDamage { kStop, kRefuse, kSkip };

class Database {
 public:
  struct Options {
    Rng& rng;  // of a new log's epoch
    Durability durability = Durability::kFsync;
    WalDamage wal_damage = WalDamage::kStop;
  };
  // The directory is given. Where there is no database it is made.
  //   kDataLoss     RocksDB found damage
  //   kUnavailable  the directory cannot be read or written
  [[nodiscard]] static StatusOr<std::unique_ptr<Database>> Open(
      std::unique_ptr<DataDirectory> directory, const Options& options);
  // Changes nothing on disk; Write fails. Borrows the directory.
  // A family that its format does not have yet is empty.
  //   kNotFound  there is no database in it, or a family of it is missing
  [[nodiscard]] static StatusOr<std::unique_ptr<Database>> OpenReadOnly(
      const DataDirectory& directory);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The same with the journal's base (store/base.h) in the place of what is derived; families that
  // a base has not are empty. Must not outlive this one.
  [[nodiscard]] std::unique_ptr<Database> Base() const;

  // The value of `key`; none when there is none.
  [[nodiscard]] StatusOr<std::optional<std::string>> Get(Family family,
                                                         const std::string& key) const;

  // One atomic batch. With Sync::kYes it is on disk when this returns OK.
  [[nodiscard]] Status Write(rocksdb::WriteBatch& batch, Sync sync);
  // The same, as durable as a commit is.
  [[nodiscard]] Status Commit(rocksdb::WriteBatch& batch);
  // Puts on disk all that was written until now, whether or not it was to be synced.
  [[nodiscard]] Status SyncAll();

  // Moves what is in memtables to tables, so that the next start has no write-ahead log to read.
  [[nodiscard]] Status Flush();

  // A walk over much leaves the cache as it is, and reads ahead.
  enum class Reading { kSome, kWalk };
  // Over the family's keys in [from, to); an empty `to` is the end. Reads what was written before.
  struct Range {
    std::string from;
    std::string to;

    // Of all keys that begin so.
    [[nodiscard]] static Range Beginning(std::string_view prefix);
  };
  [[nodiscard]] std::unique_ptr<rocksdb::Iterator> NewIterator(
      Family family, const Range& range, Reading reading = Reading::kSome) const;
  // Merges all tables that may hold keys of [from, to], of an empty range all, so that what was
  // overwritten leaves the disk. Given up, kUnavailable, once `stopping`.
  [[nodiscard]] Status Merge(Family family, const Range& range, std::atomic<bool>& stopping);

  // The last row of log and of journal; zero when there is none.
  //   kDataLoss  it cannot be read
  [[nodiscard]] StatusOr<Position> LastPosition() const;
  [[nodiscard]] StatusOr<JournalNumber> LastNumber() const;

  // Of what Get and an iterator's status() meet; readers pass on the rest.
  [[nodiscard]] DamageWatch& damage() const { return *damage_; }

  // The first error that RocksDB met in the background, or OK: after one, nothing it writes can be
  // trusted to reach the disk.
  [[nodiscard]] Status BackgroundError() const;

  // RocksDB's list of its files, MANIFEST-<number>, and how much of it is on disk.
  struct FileList {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;

    // Of a file's name; zero: it is not the name of a list.
    [[nodiscard]] static std::uint64_t NumberOf(std::string_view name);
    [[nodiscard]] static std::string NameOf(std::uint64_t number);
  };
  [[nodiscard]] StatusOr<FileList> ListOfFiles() const;
  // `told` is called whenever rows have moved to a table and the list says so, by the thread that
  // moved them, before it goes on; what it returns of a flush is a background error. Null: no more.
  void WhenRowsMove(std::function<Status()> told) const;
  // Rows were ingested. Returns what was told.
  [[nodiscard]] Status RowsMoved() const;

  // From now on this is another log: what was said of the old one does not hold.
  [[nodiscard]] Status StartNewEpoch(Rng& rng);

  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  [[nodiscard]] rocksdb::DB& rocks() const { return *db_; }
  [[nodiscard]] const std::string& epoch() const { return epoch_; }
  [[nodiscard]] Durability durability() const { return durability_; }
  [[nodiscard]] const DataDirectory& directory() const { return directory_; }
  // Bytes of all files in the directory; and those free where it is (kUnavailable).
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] StatusOr<std::uint64_t> FreeBytes() const;

 private:
  Database(const DataDirectory& directory, Durability durability);
  [[nodiscard]] Status OpenRocks(WalDamage wal_damage);
  [[nodiscard]] Status OpenRocksReadOnly();
  [[nodiscard]] Status ReadEpoch();
  void Adopt(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles);

  std::unique_ptr<DataDirectory> owned_directory_;  // null when it is borrowed
  const DataDirectory& directory_;
  const Durability durability_;
  std::shared_ptr<DamageWatch> damage_;             // reading changes nothing else
  std::shared_ptr<BackgroundListener> background_;  // RocksDB holds it too
  std::unique_ptr<GuardedEnv> env_;                 // null when nothing is written
  std::unique_ptr<rocksdb::DB> owned_db_;           // null in a view of another's
  rocksdb::DB* db_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles_{};
  std::string epoch_;
};

[[nodiscard]] const char* NameOf(Family family);

// RocksDB's status as ours. `tried` begins the message.
[[nodiscard]] Status FromRocks(const rocksdb::Status& status, const std::string& tried);

}  // namespace ackwire
