#include "store/backup.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "store/backup_manifest.h"
#include "store/crash_point.h"
#include "store/file_copy.h"
#include "store/message_id.h"
#include "store/rng.h"
#include "store/startup_check.h"
#include "store/watermark.h"

namespace ackwire {
namespace {

// RocksDB deletes no file while this lives.
class KeptFiles {
 public:
  explicit KeptFiles(rocksdb::DB& db) : db_(db), kept_(db.DisableFileDeletions()) {}
  ~KeptFiles() {
    constexpr bool kForce = false;  // others may want them kept still
    if (kept_.ok()) db_.EnableFileDeletions(kForce).PermitUncheckedError();
  }
  KeptFiles(const KeptFiles&) = delete;
  KeptFiles& operator=(const KeptFiles&) = delete;

  [[nodiscard]] Status status() const { return FromRocks(kept_, "keep the files of the database"); }

 private:
  rocksdb::DB& db_;
  const rocksdb::Status kept_;
};

bool OnSameDisk(const std::filesystem::path& one, const std::filesystem::path& other) {
  struct stat a {};
  struct stat b {};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev;
}

bool IsWithin(const std::filesystem::path& path, const std::filesystem::path& directory) {
  std::error_code ec;
  const auto inner = std::filesystem::weakly_canonical(path, ec);
  const auto outer = std::filesystem::canonical(directory, ec);
  return !outer.empty() &&
         std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

Status CheckPlace(const std::filesystem::path& path, const std::filesystem::path& partial,
                  const std::filesystem::path& data) {
  if (!path.is_absolute()) {
    return InvalidArgument("directory: \"" + path.string() +
                           "\" is not an absolute path on the server's machine");
  }
  if (IsWithin(path, data)) {
    return Error(StatusCode::kFailedPrecondition,
                 path.string() + " is in the data directory itself; give a directory outside it");
  }
  std::error_code ec;
  if (std::filesystem::exists(path, ec) && !std::filesystem::is_empty(path, ec)) {
    return Error(StatusCode::kFailedPrecondition,
                 path.string() + (ec ? ": " + ec.message() : " is there already, and not empty") +
                     "; give a directory that does not exist yet, or an empty one");
  }
  if (std::filesystem::exists(path, ec) && !OnSameDisk(path, path.parent_path())) {
    return Error(StatusCode::kFailedPrecondition,
                 path.string() + " is where a disk is mounted; give a directory on it");
  }
  if (std::filesystem::exists(partial, ec)) {
    return Error(StatusCode::kFailedPrecondition,
                 partial.string() +
                     " is there already: another backup, or left of one that was cut off; remove "
                     "it if so, and try again");
  }
  return OkStatus();
}

class Backup {
 public:
  Backup(Database& database, const BackupOptions& options)
      : database_(database),
        options_(options),
        env_(database.directory().env()),
        partial_(options.path.string() + ".partial") {}
  ~Backup() {
    std::error_code ignored;
    if (made_ != nullptr) std::filesystem::remove_all(partial_, ignored);
  }
  Backup(const Backup&) = delete;
  Backup& operator=(const Backup&) = delete;

  StatusOr<store::BackupManifest> Make() {
    const std::filesystem::path& data = database_.directory().path();
    if (Status status = CheckPlace(options_.path, partial_, data); !status.ok()) return status;
    StatusOr<std::unique_ptr<DataDirectory>> made =
        DataDirectory::Make(partial_, DirectoryKind::kBackup, &env_);
    if (!made.ok()) return made.status();
    made_ = *std::move(made);
    for (const auto step : {&Backup::CopyDatabase, &Backup::DescribeLog, &Backup::SumFiles,
                            &Backup::CheckStart, &Backup::Finish}) {
      if (Status status = (this->*step)(); !status.ok()) return status;
    }
    return std::move(manifest_);
  }

 private:
  // Files at one moment: the tables, and the write-ahead log beyond them.
  Status CopyDatabase() {
    const KeptFiles kept(database_.rocks());
    if (Status status = kept.status(); !status.ok()) return status;
    std::vector<rocksdb::LiveFileStorageInfo> files;
    // First moves what is in memtables to tables, which can be shared.
    const rocksdb::Status listed = database_.rocks().GetLiveFilesStorageInfo({}, &files);
    if (!listed.ok()) return FromRocks(listed, "list the files of the database");
    const std::string into = made_->database_path();
    const rocksdb::Status created = env_.CreateDirIfMissing(into);
    if (!created.ok()) return FromRocks(created, "create " + into);
    for (const rocksdb::LiveFileStorageInfo& file : files) {
      manifest_.add_files()->set_path("db/" + file.relative_filename);
    }
    std::erase_if(files, [this](const auto& file) { return Link(file); });
    if (Status status = Copy(files); !status.ok()) return status;
    // The end of the write-ahead log may have been copied before it was on disk.
    if (Status status = database_.SyncAll(); !status.ok()) return status;
    return made_->SyncNames(into);
  }

  [[nodiscard]] std::string CopyOf(const rocksdb::LiveFileStorageInfo& file) const {
    return made_->database_path() + "/" + file.relative_filename;
  }

  // False for what has to be copied.
  bool Link(const rocksdb::LiveFileStorageInfo& file) {
    if (file.file_type != rocksdb::kTableFile) return false;
    // Where it fails for another reason than another disk, the copy fails too, and says why.
    return env_.LinkFile(file.directory + "/" + file.relative_filename, CopyOf(file)).ok();
  }

  Status Copy(const std::vector<rocksdb::LiveFileStorageInfo>& files) {
    std::uint64_t total = 0;
    for (const rocksdb::LiveFileStorageInfo& file : files) total += file.size;
    if (Status status = CheckRoom(total); !status.ok()) return status;
    const BytesRead read = Progress("copy", total);
    for (const rocksdb::LiveFileStorageInfo& file : files) {
      if (!file.replacement_contents.empty()) {
        Status status = made_->WriteFile(CopyOf(file), file.replacement_contents);
        if (!status.ok()) return status;
        continue;
      }
      const StatusOr<FileSum> copied = CopyFile(
          env_, {file.directory + "/" + file.relative_filename, CopyOf(file), file.size}, read);
      if (!copied.ok()) return copied.status();
    }
    return OkStatus();
  }

  Status CheckRoom(std::uint64_t bytes) const {
    std::uint64_t free = 0;
    const rocksdb::Status asked = env_.GetFreeSpace(partial_, &free);
    if (!asked.ok()) return FromRocks(asked, "read how much disk is free");
    const std::uint64_t kept =
        OnSameDisk(partial_, database_.directory().path()) ? options_.min_free_bytes : 0;
    if (free >= bytes + kept) return OkStatus();
    return DiskFull("the disk of " + partial_.string() + " has " + std::to_string(free) +
                    " bytes free, the backup needs " + std::to_string(bytes) +
                    (kept == 0 ? "" : ", and the server keeps " + std::to_string(kept)));
  }

  Status DescribeLog() {
    const StatusOr<std::unique_ptr<Database>> copy = Database::OpenReadOnly(*made_);
    if (!copy.ok()) return copy.status();
    const StatusOr<Position> position = (*copy)->LastPosition();
    if (!position.ok()) return position.status();
    const StatusOr<JournalNumber> number = (*copy)->LastNumber();
    if (!number.ok()) return number.status();
    Rng rng(options_.seed);
    manifest_.set_id(MakeRandomHex(rng));
    manifest_.set_epoch((*copy)->epoch());
    manifest_.set_position(position->value);
    manifest_.set_journal_number(number->value);
    manifest_.set_made_at_ms(ToUnixMs(options_.clock.Now()));
    manifest_.set_version(options_.version);
    manifest_.add_files()->set_path("watermark");
    return Watermark::WriteEnd(**copy, options_.boot_id);
  }

  // Reads all that is there now, shared or copied.
  Status SumFiles() {
    std::uint64_t total = 0;
    for (const store::BackupFile& file : manifest_.files()) {
      std::uint64_t bytes = 0;
      const std::string path = partial_ / file.path();
      const rocksdb::Status asked = env_.GetFileSize(path, &bytes);
      if (!asked.ok()) return FromRocks(asked, "read the size of " + path);
      total += bytes;
    }
    const BytesRead read = Progress("check", total);
    for (store::BackupFile& file : *manifest_.mutable_files()) {
      const StatusOr<FileSum> sum = SumFile(env_, partial_ / file.path(), read);
      if (!sum.ok()) return sum.status();
      file.set_bytes(sum->bytes);
      file.set_crc32c(sum->crc32c);
    }
    return OkStatus();
  }

  Status CheckStart() {
    const StatusOr<StartupCheck> found = CheckDirectory(*made_, options_.boot_id);
    if (found.ok()) return OkStatus();
    return Error(found.status().code(),
                 "the copy is not one that a server would open: " + MessageOf(found.status()));
  }

  Status Finish() {
    CrashPoint(crash::kBeforeBackupManifest);
    if (Status status = WriteManifest(*made_, manifest_); !status.ok()) return status;
    CrashPoint(crash::kAfterBackupManifest);
    // Takes the place of an empty directory too.
    const rocksdb::Status renamed = env_.RenameFile(partial_, options_.path);
    if (!renamed.ok()) return FromRocks(renamed, "rename " + partial_.string());
    const std::unique_ptr<DataDirectory> whole = std::move(made_);
    return whole->SyncNames(options_.path.parent_path());
  }

  [[nodiscard]] BytesRead Progress(const std::string& stage, std::uint64_t total) const {
    return [this, stage, total, done = std::uint64_t{0}](std::uint64_t bytes) mutable {
      done += bytes;
      return options_.progress ? options_.progress(stage, done, std::max(done, total)) : OkStatus();
    };
  }

  Database& database_;
  const BackupOptions& options_;
  rocksdb::Env& env_;
  const std::filesystem::path partial_;
  std::unique_ptr<DataDirectory> made_;  // null until it is made, and once it is whole
  store::BackupManifest manifest_;
};

}  // namespace

StatusOr<store::BackupManifest> MakeBackup(Database& database, const BackupOptions& options) {
  BackupOptions wanted = options;
  wanted.path = options.path.lexically_normal();
  if (!wanted.path.has_filename()) wanted.path = wanted.path.parent_path();
  return Backup(database, wanted).Make();
}

}  // namespace ackwire
