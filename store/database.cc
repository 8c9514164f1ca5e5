#include "store/database.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/write_batch.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "store/message_id.h"
#include "store/rocks_options.h"

namespace ackwire {
namespace {

constexpr char kFormat[] = "ackwire 1\n";

constexpr std::array<const char*, kFamilies> kFamilyNames = {
    "default",  // meta: RocksDB insists on a family of this name
    "log",     "outbox",  "journal", "index",    "ids",     "channels",
    "ledger",  "members", "parked",  "failures", "history",
};

Status SystemError(const std::string& tried, int error) {
  return Error(StatusCode::kUnavailable, tried + ": " + std::strerror(error));
}

}  // namespace

Status FromRocks(const rocksdb::Status& status, const std::string& tried) {
  if (status.ok()) return OkStatus();
  const std::string message = tried + ": " + status.ToString();
  if (status.IsCorruption()) return Error(StatusCode::kDataLoss, message);
  if (status.IsNotFound()) return Error(StatusCode::kNotFound, message);
  return Error(StatusCode::kUnavailable, message);
}

StatusOr<std::unique_ptr<Database>> Database::Open(const std::filesystem::path& directory, Rng& rng,
                                                   rocksdb::Env* env) {
  std::unique_ptr<Database> database(new Database(directory));
  if (Status status = database->TakeLock(); !status.ok()) return status;
  if (Status status = database->CheckFormat(); !status.ok()) return status;
  if (Status status = database->OpenRocks(env); !status.ok()) return status;
  if (Status status = database->ReadOrMakeEpoch(rng); !status.ok()) return status;
  return database;
}

// With a trailing slash, the directory's parent would be the directory itself.
Database::Database(std::filesystem::path directory)
    : directory_(directory.has_filename() ? std::move(directory) : directory.parent_path()) {}

Database::~Database() {
  if (db_ != nullptr) {
    for (auto* handle : handles_) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
    }
    db_->Close();
    db_.reset();
  }
  if (lock_ >= 0) ::close(lock_);
}

Status Database::TakeLock() {
  std::error_code ec;
  std::filesystem::create_directories(directory_.parent_path(), ec);
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError("create data directory " + directory_.string(), errno);
  }
  const std::string path = directory_ / "lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return SystemError("open " + path, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return OkStatus();
  if (errno != EWOULDBLOCK) return SystemError("lock " + path, errno);
  return Error(StatusCode::kFailedPrecondition,
               "data directory " + directory_.string() +
                   " is in use by another server; stop it, or give another --data-dir");
}

Status Database::CheckFormat() {
  const std::filesystem::path path = directory_ / "format";
  if (std::filesystem::exists(path)) {
    std::ifstream in(path, std::ios::binary);
    const std::string found((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (found == kFormat) return OkStatus();
    return Error(StatusCode::kFailedPrecondition,
                 path.string() + " says \"" + found.substr(0, found.find('\n')) +
                     "\", this server reads \"ackwire 1\"; start the server that wrote it");
  }
  if (std::filesystem::exists(directory_ / "db")) {
    return Error(StatusCode::kDataLoss, path.string() + " is missing but there is a database");
  }
  // Renamed into place: a crash on the way must not leave half a version, which would be refused.
  const std::filesystem::path draft = directory_ / "format.new";
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return SystemError("create " + draft.string(), errno);
  const auto size = static_cast<ssize_t>(std::strlen(kFormat));
  const bool written = ::write(file, kFormat, std::strlen(kFormat)) == size && ::fsync(file) == 0 &&
                       ::rename(draft.c_str(), path.c_str()) == 0;
  const int error = errno;
  ::close(file);
  return written ? OkStatus() : SystemError("write " + path.string(), error);
}

Status Database::OpenRocks(rocksdb::Env* env) {
  constexpr std::size_t kBlockCacheBytes = 256ULL << 20U;
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    families.emplace_back(kFamilyNames[i], FamilyOptions(static_cast<Family>(i), cache));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(
      DatabaseOptions(env), (directory_ / "db").string(), families, &handles, &db);
  if (!status.ok()) return FromRocks(status, "open " + directory_.string());
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), handles_.begin());
  return OkStatus();
}

Status Database::ReadOrMakeEpoch(Rng& rng) {
  const auto found = Get(Family::kMeta, meta::kEpoch);
  if (!found.ok()) return found.status();
  if (found->has_value()) {
    epoch_ = **found;
    return OkStatus();
  }
  epoch_ = MakeRandomHex(rng);
  rocksdb::WriteBatch batch;
  batch.Put(handle(Family::kMeta), meta::kEpoch, epoch_);
  return Write(batch, Sync::kYes);
}

StatusOr<std::optional<std::string>> Database::Get(Family family, const std::string& key) const {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handle(family), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) {
    return FromRocks(status, std::string("read a key of family ") +
                                 kFamilyNames[static_cast<std::size_t>(family)]);
  }
  return std::optional<std::string>(std::move(value));
}

Status Database::Write(rocksdb::WriteBatch& batch, Sync sync) {
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  return FromRocks(db_->Write(options, &batch), "write a batch");
}

namespace {

// An iterator that owns its upper bound, which RocksDB only borrows.
class BoundedIterator final : public rocksdb::Iterator {
 public:
  BoundedIterator(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle, std::string to)
      : to_(std::move(to)), bound_(to_) {
    rocksdb::ReadOptions options;
    if (!to_.empty()) options.iterate_upper_bound = &bound_;
    inner_.reset(db.NewIterator(options, handle));
  }
  bool Valid() const override { return inner_->Valid(); }
  void SeekToFirst() override { inner_->SeekToFirst(); }
  void SeekToLast() override { inner_->SeekToLast(); }
  void Seek(const rocksdb::Slice& target) override { inner_->Seek(target); }
  void SeekForPrev(const rocksdb::Slice& target) override { inner_->SeekForPrev(target); }
  void Next() override { inner_->Next(); }
  void Prev() override { inner_->Prev(); }
  rocksdb::Slice key() const override { return inner_->key(); }
  rocksdb::Slice value() const override { return inner_->value(); }
  rocksdb::Status status() const override { return inner_->status(); }

 private:
  const std::string to_;
  const rocksdb::Slice bound_;
  std::unique_ptr<rocksdb::Iterator> inner_;
};

}  // namespace

std::unique_ptr<rocksdb::Iterator> Database::NewIterator(Family family, const Range& range) const {
  auto iterator = std::make_unique<BoundedIterator>(*db_, handle(family), range.to);
  iterator->Seek(range.from);
  return iterator;
}

std::uint64_t Database::bytes() const {
  std::uint64_t total = 0;
  std::error_code ec;
  // RocksDB deletes files meanwhile: what is gone when asked counts nothing.
  std::filesystem::recursive_directory_iterator file(directory_, ec);
  for (; !ec && file != std::filesystem::recursive_directory_iterator(); file.increment(ec)) {
    std::error_code gone;
    const std::uint64_t size = file->is_regular_file(gone) ? file->file_size(gone) : 0;
    if (!gone) total += size;
  }
  return total;
}

}  // namespace ackwire
