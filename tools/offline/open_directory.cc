#include "tools/offline/open_directory.h"

#include "store/backup_manifest.h"
#include "tools/offline/stage_progress.h"

namespace ackwire::ctl {

std::unique_ptr<DataDirectory> OpenDirectory(const std::filesystem::path& path) {
  StatusOr<std::unique_ptr<DataDirectory>> directory = DataDirectory::OpenExisting(path);
  Require(directory.status());
  return *std::move(directory);
}

std::unique_ptr<DataDirectory> OpenBackup(const std::filesystem::path& path) {
  StatusOr<std::unique_ptr<DataDirectory>> directory =
      DataDirectory::OpenExisting(path, nullptr, DirectoryKind::kBackup);
  Require(directory.status());
  return *std::move(directory);
}

bool IsBackup(const std::filesystem::path& path) {
  return DataDirectory::OpenExisting(path, nullptr, DirectoryKind::kBackup).ok();
}

store::BackupManifest CheckBackupFiles(const DataDirectory& backup) {
  StatusOr<store::BackupManifest> manifest = ReadManifest(backup);
  Require(manifest.status());
  StageProgress progress;
  std::uint64_t done = 0;
  const Status status = CheckFiles(backup, *manifest, [&](std::uint64_t bytes) {
    done += bytes;
    progress.Update("check", done, BytesOf(*manifest));
    return OkStatus();
  });
  progress.Clear();
  Require(status);
  return *std::move(manifest);
}

void Require(const Status& status) {
  if (!status.ok()) throw CommandError(ExitStatus::kRefused, MessageOf(status));
}

}  // namespace ackwire::ctl
