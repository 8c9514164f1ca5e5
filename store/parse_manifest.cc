// ParseManifest (store/backup_manifest.h).

#include "store/backup_manifest.h"
#include "store/record.h"

namespace ackwire {
namespace {

// What a manifest may name: nothing outside the backup. The system reads a path to its first zero.
bool IsFileOfBackup(const std::string& path) {
  if (path.find('\0') != std::string::npos) return false;
  if (path == "watermark") return true;
  return path.starts_with("db/") && path.size() > 3 && path.find('/', 3) == std::string::npos &&
         path.substr(3) != "." && path.substr(3) != "..";
}

}  // namespace

StatusOr<store::BackupManifest> ParseManifest(std::string_view content, const std::string& path) {
  store::BackupManifest manifest;
  Status status = record::OpenInto(content, path, manifest);
  if (!status.ok()) return status;
  for (const store::BackupFile& file : manifest.files()) {
    if (!IsFileOfBackup(file.path())) {
      return Error(StatusCode::kDataLoss, path + ": names a file that is none of a backup's");
    }
  }
  return manifest;
}

}  // namespace ackwire
