#include "store/restore.h"

#include <rocksdb/env.h>

#include <system_error>
#include <utility>

#include "store/backup_manifest.h"
#include "store/database.h"
#include "store/migrate.h"
#include "store/rng.h"
#include "store/startup_check.h"
#include "store/watermark.h"

namespace ackwire {
namespace {

BytesRead ProgressOf(const Restore::Options& options, const std::string& stage,
                     std::uint64_t total) {
  return [&options, stage, total, done = std::uint64_t{0}](std::uint64_t bytes) mutable {
    done += bytes;
    if (options.progress) options.progress(stage, done, total);
    return OkStatus();
  };
}

}  // namespace

StatusOr<std::unique_ptr<Restore>> Restore::Prepare(const std::filesystem::path& backup,
                                                    const std::filesystem::path& data_directory,
                                                    const Options& options) {
  StatusOr<std::unique_ptr<DataDirectory>> from =
      DataDirectory::OpenExisting(backup, nullptr, DirectoryKind::kBackup);
  if (!from.ok()) return from.status();
  std::unique_ptr<Restore> restore(new Restore(*std::move(from), data_directory, options));
  if (Status status = restore->CheckBackup(); !status.ok()) return status;
  if (Status status = restore->Make(); !status.ok()) return status;
  return restore;
}

Restore::Restore(std::unique_ptr<DataDirectory> backup, std::filesystem::path data_directory,
                 const Options& options)
    : backup_(std::move(backup)), data_directory_(std::move(data_directory)), options_(options) {}

Restore::~Restore() {
  if (owned_) RemoveMade();
}

Status Restore::CheckBackup() {
  StatusOr<store::BackupManifest> manifest = ReadManifest(*backup_);
  if (!manifest.ok()) return manifest.status();
  manifest_ = *std::move(manifest);
  return CheckFiles(*backup_, manifest_,
                    ProgressOf(options_, "check the backup", BytesOf(manifest_)));
}

Status Restore::Make() {
  std::error_code ignored;
  was_there_ = std::filesystem::exists(data_directory_, ignored);
  StatusOr<std::unique_ptr<DataDirectory>> made =
      DataDirectory::Make(data_directory_, DirectoryKind::kRestoring);
  if (!made.ok()) return made.status();
  made_ = *std::move(made);
  made_->HasDatabaseOf(backup_->version());
  owned_ = true;
  if (Status status = CopyFiles(); !status.ok()) return status;
  const StatusOr<StartupCheck> found = CheckDirectory(*made_, options_.boot_id);
  if (!found.ok()) return found.status();
  return StartEpoch();
}

Status Restore::CopyFiles() {
  rocksdb::Env& env = made_->env();
  const rocksdb::Status created = env.CreateDirIfMissing(made_->database_path());
  if (!created.ok()) return FromRocks(created, "create " + made_->database_path());
  const BytesRead read = ProgressOf(options_, "copy", BytesOf(manifest_));
  for (const store::BackupFile& file : manifest_.files()) {
    const StatusOr<FileSum> copied = CopyFile(
        env, {backup_->path() / file.path(), made_->path() / file.path(), file.bytes()}, read);
    if (!copied.ok()) return copied.status();
    if (Status status = CheckSum(*backup_, file, *copied); !status.ok()) return status;
  }
  if (Status status = made_->SyncNames(made_->database_path()); !status.ok()) return status;
  return made_->SyncNames(made_->path());
}

// The watermark that was copied is of the same log's end; it is written again for this kernel.
Status Restore::StartEpoch() {
  Rng rng(options_.seed);
  {
    StatusOr<std::unique_ptr<Database>> database =
        Database::Open(std::move(made_), {.rng = rng, .wal_damage = WalDamage::kRefuse});
    if (!database.ok()) return database.status();
    if (backup_->version() < kFirstWithFailureLists) {
      if (Status status = BackfillFailureLists(**database); !status.ok()) return status;
    }
    if (Status status = (*database)->StartNewEpoch(rng); !status.ok()) return status;
    epoch_ = (*database)->epoch();
    if (Status status = (*database)->Flush(); !status.ok()) return status;
    auto watermark = Watermark::Open(**database, options_.clock, options_.boot_id);
    if (!watermark.ok()) return watermark.status();
    if (Status status = (*watermark)->End(); !status.ok()) return status;
  }
  StatusOr<std::unique_ptr<DataDirectory>> again =
      DataDirectory::OpenExisting(data_directory_, nullptr, DirectoryKind::kRestoring);
  if (!again.ok()) return again.status();
  made_ = *std::move(again);
  return OkStatus();
}

Status Restore::Accept() {
  if (Status status = made_->SetKind(DirectoryKind::kLog); !status.ok()) return status;
  owned_ = false;
  return OkStatus();
}

// The format goes last: as long as there is anything else, no server opens it.
void Restore::RemoveMade() {
  std::error_code ignored;
  for (const char* name : {"db", "watermark", "ingest", "format", "lock"}) {
    std::filesystem::remove_all(data_directory_ / name, ignored);
  }
  if (!was_there_) std::filesystem::remove(data_directory_, ignored);
}

}  // namespace ackwire
