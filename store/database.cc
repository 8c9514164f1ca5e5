#include "store/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/iterator.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "store/background_listener.h"
#include "store/bounded_iterator.h"
#include "store/crash_point.h"
#include "store/difference.h"
#include "store/guarded_env.h"
#include "store/keys.h"
#include "store/message_id.h"
#include "store/rocks_log.h"
#include "store/rocks_options.h"

namespace ackwire {
namespace {

constexpr std::array<const char*, kFamilies> kFamilyNames = {
    "default",  // meta: RocksDB insists on a family of this name
    "log",       "outbox",        "journal",     "index",        "ids",         "channels",
    "ledger",    "members",       "parked",      "failures",     "history",     "replays",
    "base_meta", "base_channels", "base_ledger", "base_members", "base_parked", "base_replays",
};

constexpr std::string_view kManifest = "MANIFEST-";

// Families were added at the end.
std::size_t FamiliesOf(int version) {
  constexpr std::size_t kBefore3 = 12;
  constexpr std::size_t kBefore6 = 13;
  return version < 3 ? kBefore3 : version < 6 ? kBefore6 : kFamilies;
}

std::vector<rocksdb::ColumnFamilyDescriptor> Families(std::size_t count = kFamilies) {
  constexpr std::size_t kBlockCacheBytes = 256ULL << 20U;
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < count; ++i) {
    families.emplace_back(kFamilyNames[i], FamilyOptions(static_cast<Family>(i), cache));
  }
  return families;
}

// The crash point between a batch and its sync, which RocksDB makes in one call.
class WriteAheadLogListener final : public rocksdb::EventListener {
 public:
  bool ShouldBeNotifiedOnFileIO() override { return true; }
  void OnFileWriteFinish(const rocksdb::FileOperationInfo& info) override {
    if (info.path.ends_with(".log")) CrashPoint(crash::kAfterBatch);
  }
};

// More than a server ever writes to its logs between one sync and the next: a group, a batch of
// derived rows, and what the relay trims.
constexpr std::uint64_t kUnsyncedBytesMax = 32ULL << 20U;

// After a sync that failed, what it was to write can be read and never gets to the disk, whatever
// is synced later: unless it is written again.
rocksdb::Status WriteEndAgain(rocksdb::RandomRWFile& log, std::uint64_t size) {
  std::string buffer(1U << 20U, '\0');
  std::uint64_t at = size - std::min(size, kUnsyncedBytesMax);
  rocksdb::Status status;
  while (status.ok() && at < size) {
    const std::size_t length = std::min<std::uint64_t>(buffer.size(), size - at);
    rocksdb::Slice read;
    status = log.Read(at, length, &read, buffer.data());
    if (status.ok() && read.size() != length) status = rocksdb::Status::IOError("is cut short");
    if (status.ok()) status = log.Write(at, read);
    at += length;
  }
  return status;
}

// What the server before left with the kernel only. New commits are synced in a file of their own,
// and a power cut that took the end of an older file would take them too: RocksDB reads no further.
Status SyncWriteAheadLogs(const DataDirectory& directory) {
  rocksdb::Env& env = directory.env();
  std::vector<std::string> files;
  const rocksdb::Status listed = env.GetChildren(directory.database_path(), &files);
  if (listed.IsNotFound() || listed.IsPathNotFound()) return OkStatus();
  if (!listed.ok()) return FromRocks(listed, "list " + directory.database_path());
  for (const std::string& file : files) {
    if (!file.ends_with(".log")) continue;
    const std::string path = directory.database_path() + "/" + file;
    std::unique_ptr<rocksdb::RandomRWFile> log;
    std::uint64_t size = 0;
    rocksdb::Status status = env.GetFileSize(path, &size);
    if (status.ok()) status = env.NewRandomRWFile(path, &log, rocksdb::EnvOptions());
    if (status.ok()) status = WriteEndAgain(*log, size);
    if (status.ok()) status = log->Sync();
    if (!status.ok()) return FromRocks(status, "sync " + path);
  }
  return OkStatus();
}

}  // namespace

const char* NameOf(Family family) {
  return family == Family::kMeta ? "meta" : kFamilyNames[static_cast<std::size_t>(family)];
}

namespace {

// What RocksDB calls damage. It also calls so a table that it could not look at: whether that is
// damaged will be known once the disk can be read. One that is gone is damage.
bool IsDamage(const rocksdb::Status& status) {
  if (!status.IsCorruption()) return false;
  const std::string text = status.ToString();
  const bool io_error = text.find(": IO error: ") != std::string::npos;
  return !io_error || text.find("IO error: No such file or directory") != std::string::npos;
}

}  // namespace

Status FromRocks(const rocksdb::Status& status, const std::string& tried) {
  if (status.ok()) return OkStatus();
  const std::string message = tried + ": " + status.ToString();
  if (IsDamage(status)) return Error(StatusCode::kDataLoss, message);
  if (status.IsNotFound()) return Error(StatusCode::kNotFound, message);
  return Error(StatusCode::kUnavailable, message);
}

StatusOr<std::unique_ptr<Database>> Database::Open(std::unique_ptr<DataDirectory> directory,
                                                   const Options& options) {
  if (Status status = SyncWriteAheadLogs(*directory); !status.ok()) return status;
  std::unique_ptr<Database> database(new Database(*directory, options.durability));
  database->owned_directory_ = std::move(directory);
  if (Status status = database->OpenRocks(options.wal_damage); !status.ok()) return status;
  // A start before may have been killed when it had made `format` or `db`, and not yet synced that.
  const DataDirectory& opened = database->directory_;
  if (Status status = opened.SyncNames(opened.path().string()); !status.ok()) return status;
  if (Status status = database->ReadEpoch(); !status.ok()) return status;
  if (database->epoch_.empty()) {
    if (Status status = database->StartNewEpoch(options.rng); !status.ok()) return status;
  }
  return database;
}

StatusOr<std::unique_ptr<Database>> Database::OpenReadOnly(const DataDirectory& directory) {
  std::unique_ptr<Database> database(new Database(directory, Durability::kFsync));
  if (Status status = database->OpenRocksReadOnly(); !status.ok()) return status;
  if (Status status = database->ReadEpoch(); !status.ok()) return status;
  return database;
}

Database::Database(const DataDirectory& directory, Durability durability)
    : directory_(directory),
      durability_(durability),
      damage_(std::make_shared<DamageWatch>()),
      background_(std::make_shared<BackgroundListener>()) {}

Database::~Database() {
  if (owned_db_ == nullptr) return;
  for (auto* handle : handles_) {
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
  }
  db_->Close();
}

Status Database::OpenRocks(WalDamage wal_damage) {
  env_ = std::make_unique<GuardedEnv>(directory_.env(), directory_.ingest_path());
  rocksdb::DBOptions set_up = DatabaseOptions(env_.get());
  if (wal_damage == WalDamage::kRefuse) {
    set_up.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  } else if (wal_damage == WalDamage::kSkip) {
    set_up.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  }
  if (&directory_.env() == rocksdb::Env::Default()) {
    (void)directory_.env().CreateDirIfMissing(directory_.database_path());  // as RocksDB would
    set_up.info_log =
        std::make_shared<RocksLog>(directory_.env(), directory_.database_path() + "/LOG");
  }
  set_up.listeners.push_back(background_);
  if (IsCrashPointSet(crash::kAfterBatch)) {
    set_up.listeners.push_back(std::make_shared<WriteAheadLogListener>());
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(set_up, directory_.database_path(), Families(), &handles, &db);
  if (!status.ok()) return FromRocks(status, "open " + directory_.database_path());
  Adopt(db, handles);
  return OkStatus();
}

Status Database::OpenRocksReadOnly() {
  const std::string path = directory_.database_path();
  const std::string current = path + "/CURRENT";
  if (directory_.env().FileExists(current).IsNotFound()) {
    return Error(StatusCode::kNotFound, current + " does not exist");
  }
  const auto failed = [&](const rocksdb::Status& status) {
    // CURRENT itself may only be out of reach.
    if (!status.IsPathNotFound() || !directory_.env().FileExists(current).ok())
      return FromRocks(status, "open " + path);
    return Error(StatusCode::kDataLoss,
                 "open " + path + ": a file that it lists is missing: " + status.ToString());
  };
  rocksdb::DBOptions set_up = DatabaseOptions(&directory_.env());
  set_up.create_if_missing = false;
  set_up.create_missing_column_families = false;
  std::vector<std::string> there;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(set_up, path, &there);
  if (!status.ok()) return failed(status);
  // The format says which must be there, and may be an older one's than the database is.
  const auto is_there = [&there](const char* name) {
    return std::find(there.begin(), there.end(), name) != there.end();
  };
  std::size_t count = 0;
  while (count < kFamilies && is_there(kFamilyNames[count])) ++count;
  if (count < FamiliesOf(directory_.version())) {
    return Error(StatusCode::kNotFound,
                 path + ": family " + kFamilyNames[count] + " does not exist");
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  status = rocksdb::DB::OpenForReadOnly(set_up, path, Families(count), &handles, &db);
  if (!status.ok()) return failed(status);
  Adopt(db, handles);
  return OkStatus();
}

void Database::Adopt(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  owned_db_.reset(db);
  db_ = db;
  std::copy(handles.begin(), handles.end(), handles_.begin());
}

Status Database::BackgroundError() const { return background_->first(); }

StatusOr<Database::FileList> Database::ListOfFiles() const {
  std::vector<std::string> files;
  FileList list;
  const rocksdb::Status status = db_->GetLiveFiles(files, &list.bytes, false);
  if (!status.ok()) return FromRocks(status, "ask for the list of files");
  for (const std::string& file : files) {
    list.number = std::max(list.number, FileList::NumberOf(file.substr(file.rfind('/') + 1)));
  }
  return list;
}

std::uint64_t Database::FileList::NumberOf(std::string_view name) {
  std::uint64_t number = 0;
  if (!name.starts_with(kManifest)) return number;
  std::from_chars(name.data() + kManifest.size(), name.data() + name.size(), number);
  return number;
}

std::string Database::FileList::NameOf(std::uint64_t number) {
  constexpr std::size_t kDigitsMin = 6;
  const std::string digits = std::to_string(number);
  const std::size_t zeros = kDigitsMin - std::min(kDigitsMin, digits.size());
  return std::string(kManifest) + std::string(zeros, '0') + digits;
}

void Database::WhenRowsMove(std::function<Status()> told) const {
  background_->WhenRowsMove(std::move(told));
}

Status Database::RowsMoved() const { return background_->RowsMoved(); }

Status Database::ReadEpoch() {
  const auto found = Get(Family::kMeta, meta::kEpoch);
  if (!found.ok()) return found.status();
  epoch_ = found->value_or("");
  return OkStatus();
}

Status Database::StartNewEpoch(Rng& rng) {
  const std::string epoch = MakeRandomHex(rng);
  rocksdb::WriteBatch batch;
  batch.Put(handle(Family::kMeta), meta::kEpoch, epoch);
  if (Status status = Write(batch, Sync::kYes); !status.ok()) return status;
  epoch_ = epoch;
  return OkStatus();
}

StatusOr<std::optional<std::string>> Database::Get(Family family, const std::string& key) const {
  if (handle(family) == nullptr) return std::optional<std::string>();
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handle(family), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) {
    const std::string row = std::string(NameOf(family)) + ", " + ReadableKey(family, key);
    return damage_->Noted(FromRocks(status, "read " + row));
  }
  return std::optional<std::string>(std::move(value));
}

Status Database::Write(rocksdb::WriteBatch& batch, Sync sync) {
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  return FromRocks(db_->Write(options, &batch), "write a batch");
}

Status Database::Commit(rocksdb::WriteBatch& batch) {
  return Write(batch, durability_ == Durability::kFsync ? Sync::kYes : Sync::kNo);
}

Status Database::Flush() {
  return FromRocks(db_->Flush(rocksdb::FlushOptions(), {handles_.begin(), handles_.end()}),
                   "flush");
}

Status Database::SyncAll() {
  // Not SyncWAL, after which RocksDB before 7.10 may miss a write-ahead log that is not gone.
  rocksdb::WriteBatch batch;
  batch.Put(db_->DefaultColumnFamily(), meta::kEpoch, epoch_);
  return Write(batch, Sync::kYes);
}

Database::Range Database::Range::Beginning(std::string_view prefix) {
  Range range{std::string(prefix), std::string(prefix)};
  ++range.to.back();
  return range;
}

Status Database::Merge(Family family, const Range& range, std::atomic<bool>& stopping) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.canceled = &stopping;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  const rocksdb::Slice from = range.from;
  const rocksdb::Slice to = range.to;
  const bool all = range.from.empty() && range.to.empty();
  return FromRocks(
      rocks().CompactRange(options, handle(family), all ? nullptr : &from, all ? nullptr : &to),
      std::string("merge family ") + NameOf(family));
}

std::unique_ptr<rocksdb::Iterator> Database::NewIterator(Family family, const Range& range,
                                                         Reading reading) const {
  if (handle(family) == nullptr) {
    return std::unique_ptr<rocksdb::Iterator>(rocksdb::NewEmptyIterator());
  }
  rocksdb::ReadOptions options;
  options.fill_cache = reading == Reading::kSome;
  if (reading == Reading::kWalk) options.readahead_size = 1ULL << 20U;
  auto iterator =
      std::make_unique<BoundedIterator>(*db_, handle(family), range.to, options, *damage_);
  iterator->Seek(range.from);
  return iterator;
}

StatusOr<Position> Database::LastPosition() const {
  const auto row = NewIterator(Family::kLog, {});
  row->SeekToLast();
  if (!row->status().ok()) return FromRocks(row->status(), "read the log's last row");
  if (!row->Valid()) return Position{};
  const auto position = keys::ParseLog(row->key().ToStringView());
  return position ? StatusOr<Position>(*position)
                  : Error(StatusCode::kDataLoss, "log: the last key is none");
}

StatusOr<JournalNumber> Database::LastNumber() const {
  const auto row = NewIterator(Family::kJournal, {});
  row->SeekToLast();
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal's last record");
  if (!row->Valid()) return JournalNumber{};
  const auto number = keys::ParseJournal(row->key().ToStringView());
  return number ? StatusOr<JournalNumber>(*number)
                : Error(StatusCode::kDataLoss, "journal: the last key is none");
}

StatusOr<std::uint64_t> Database::FreeBytes() const {
  std::uint64_t bytes = 0;
  const rocksdb::Status status = directory_.env().GetFreeSpace(directory_.path(), &bytes);
  if (!status.ok()) return FromRocks(status, "read how much disk is free");
  return bytes;
}

std::uint64_t Database::bytes() const {
  std::uint64_t total = 0;
  std::error_code ec;
  // RocksDB deletes files meanwhile: what is gone when asked counts nothing.
  std::filesystem::recursive_directory_iterator file(directory_.path(), ec);
  for (; !ec && file != std::filesystem::recursive_directory_iterator(); file.increment(ec)) {
    std::error_code gone;
    const std::uint64_t size = file->is_regular_file(gone) ? file->file_size(gone) : 0;
    if (!gone) total += size;
  }
  return total;
}

}  // namespace ackwire
