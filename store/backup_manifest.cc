#include "store/backup_manifest.h"

#include <rocksdb/env.h>

#include <set>
#include <vector>

#include "store/database.h"
#include "store/record.h"

namespace ackwire {
namespace {

constexpr char kManifestName[] = "backup-manifest";

std::string ManifestPath(const DataDirectory& backup) { return backup.path() / kManifestName; }

}  // namespace

Status WriteManifest(const DataDirectory& backup, const store::BackupManifest& manifest) {
  return backup.WriteFile(ManifestPath(backup), record::Seal(manifest));
}

StatusOr<store::BackupManifest> ReadManifest(const DataDirectory& backup) {
  const std::string path = ManifestPath(backup);
  std::string content;
  const rocksdb::Status read = rocksdb::ReadFileToString(&backup.env(), path, &content);
  if (read.IsNotFound() || read.IsPathNotFound()) {
    return Error(StatusCode::kNotFound, backup.path().string() +
                                            " is not a whole backup: it has no file "
                                            "`backup-manifest`, which is written last");
  }
  if (!read.ok()) return FromRocks(read, "read " + path);
  return ParseManifest(content, path);
}

std::uint64_t BytesOf(const store::BackupManifest& manifest) {
  std::uint64_t bytes = 0;
  for (const store::BackupFile& file : manifest.files()) bytes += file.bytes();
  return bytes;
}

namespace {

// RocksDB reads what it finds, whoever put it there.
Status CheckNoOthers(const DataDirectory& backup, const store::BackupManifest& manifest) {
  std::set<std::string> known = {"format", kManifestName, "lock", "db", "lost+found"};
  for (const store::BackupFile& file : manifest.files()) known.insert(file.path());
  for (const std::string folder : {"", "db/"}) {
    std::vector<std::string> names;
    const std::string path = backup.path() / folder;
    const rocksdb::Status listed = backup.env().GetChildren(path, &names);
    if (!listed.ok()) return FromRocks(listed, "list " + path);
    for (const std::string& name : names) {
      if (name == "." || name == ".." || known.contains(folder + name)) continue;
      return Error(StatusCode::kFailedPrecondition,
                   path + name + " is not of this backup: remove it, and try again");
    }
  }
  return OkStatus();
}

}  // namespace

Status CheckFiles(const DataDirectory& backup, const store::BackupManifest& manifest,
                  const BytesRead& read) {
  if (Status status = CheckNoOthers(backup, manifest); !status.ok()) return status;
  for (const store::BackupFile& file : manifest.files()) {
    const std::string path = backup.path() / file.path();
    if (backup.env().FileExists(path).IsNotFound()) {
      return Error(StatusCode::kDataLoss, path + " is missing: the backup is damaged");
    }
    const StatusOr<FileSum> found = SumFile(backup.env(), path, read);
    if (!found.ok()) return found.status();
    if (Status status = CheckSum(backup, file, *found); !status.ok()) return status;
  }
  return OkStatus();
}

Status CheckSum(const DataDirectory& backup, const store::BackupFile& file, const FileSum& found) {
  if (found == FileSum{file.bytes(), file.crc32c()}) return OkStatus();
  const std::string difference =
      found.bytes == file.bytes()
          ? "its checksum is another"
          : "it has " + std::to_string(found.bytes) + " bytes, not " + std::to_string(file.bytes());
  return Error(StatusCode::kDataLoss, (backup.path() / file.path()).string() +
                                          " is not what was written: " + difference +
                                          "; the backup is damaged");
}

}  // namespace ackwire
