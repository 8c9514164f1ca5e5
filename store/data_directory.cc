#include "store/data_directory.h"

#include <fcntl.h>
#include <rocksdb/env.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "store/database.h"

namespace ackwire {
namespace {

constexpr int kOldestVersion = 1;

std::string FormatOf(DirectoryKind kind, int version = DataDirectory::kVersion) {
  const std::string format = "ackwire " + std::to_string(version);
  switch (kind) {
    case DirectoryKind::kBackup:
      return format + " backup\n";
    case DirectoryKind::kRestoring:
      return format + " restoring\n";
    case DirectoryKind::kLog:
      break;
  }
  return format + "\n";
}

struct Format {
  DirectoryKind kind;
  int version;
};

// None when it is no format that this server reads.
std::optional<Format> ParseFormat(const std::string& text) {
  // As an editor may leave it, or a hand that has put it back. A backup has it as it was written.
  std::string line = text.substr(0, text.find_last_not_of(" \r\n") + 1);
  line += '\n';
  for (const auto kind : {DirectoryKind::kLog, DirectoryKind::kBackup, DirectoryKind::kRestoring}) {
    for (int version = kOldestVersion; version <= DataDirectory::kVersion; ++version) {
      const std::string& said = kind == DirectoryKind::kLog ? line : text;
      if (said == FormatOf(kind, version)) return Format{kind, version};
    }
  }
  return std::nullopt;
}

Status SystemError(const std::string& tried, int error) {
  return Error(StatusCode::kUnavailable, tried + ": " + std::strerror(error));
}

// With a trailing slash, the directory's parent would be the directory itself.
std::filesystem::path WithoutSlash(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace

std::unique_ptr<DataDirectory> DataDirectory::At(const std::filesystem::path& path,
                                                 rocksdb::Env* env) {
  return std::unique_ptr<DataDirectory>(
      new DataDirectory(WithoutSlash(path), env == nullptr ? *rocksdb::Env::Default() : *env));
}

StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::filesystem::path& path,
                                                             rocksdb::Env* env) {
  std::unique_ptr<DataDirectory> directory = At(path, env);
  if (Status status = directory->Create(); !status.ok()) return status;
  // What is no log's directory does not get a lock in it.
  const rocksdb::Status exists = directory->env_.FileExists(directory->format_path());
  if (!exists.ok() && !exists.IsNotFound()) {
    return FromRocks(exists, "look for " + directory->format_path());
  }
  if (exists.ok()) {
    if (Status status = directory->ReadFormat(DirectoryKind::kLog); !status.ok()) return status;
  }
  if (Status status = directory->TakeLock(); !status.ok()) return status;
  if (exists.ok()) return directory;
  if (Status status = directory->WriteFirstFormat(); !status.ok()) return status;
  return directory;
}

StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::OpenExisting(
    const std::filesystem::path& path, rocksdb::Env* env, DirectoryKind kind) {
  std::unique_ptr<DataDirectory> directory = At(path, env);
  const rocksdb::Status exists = directory->env_.FileExists(directory->format_path());
  if (!exists.ok() && !exists.IsNotFound()) {
    return FromRocks(exists, "look for " + directory->format_path());
  }
  if (!exists.ok()) {
    const std::string wanted = kind == DirectoryKind::kBackup ? "a backup" : "a data directory";
    return Error(StatusCode::kNotFound,
                 directory->path_.string() + " is not " + wanted + ": it has no file `format`" +
                     (kind == DirectoryKind::kLog &&
                              directory->env_.FileExists(directory->database_path()).ok()
                          ? "; a start says what to do about that"
                          : ""));
  }
  if (Status status = directory->ReadFormat(kind); !status.ok()) return status;
  if (kind != DirectoryKind::kBackup) {
    if (Status status = directory->TakeLock(); !status.ok()) return status;
  }
  return directory;
}

StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Make(const std::filesystem::path& path,
                                                             DirectoryKind kind,
                                                             rocksdb::Env* env) {
  std::unique_ptr<DataDirectory> directory = At(path, env);
  if (Status status = directory->CheckEmpty(); !status.ok()) return status;
  if (Status status = directory->Create(); !status.ok()) return status;
  if (kind != DirectoryKind::kBackup) {
    if (Status status = directory->TakeLock(); !status.ok()) return status;
  }
  if (Status status = directory->SyncNamesAbove(); !status.ok()) return status;
  if (Status status = directory->SetKind(kind); !status.ok()) return status;
  return directory;
}

DataDirectory::DataDirectory(std::filesystem::path path, rocksdb::Env& env)
    : path_(std::move(path)), env_(env) {}

bool DataDirectory::is_real() const { return &env_ == rocksdb::Env::Default(); }

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

Status DataDirectory::Create() const {
  const std::string tried = "create data directory " + path_.string();
  if (!is_real()) return FromRocks(env_.CreateDirIfMissing(path_), tried);
  // Not by Env, which would let everybody read what people write to each other.
  std::error_code ignored;
  std::filesystem::create_directories(path_.parent_path(), ignored);
  if (::mkdir(path_.c_str(), 0700) == 0 || errno == EEXIST) return OkStatus();
  return SystemError(tried, errno);
}

Status DataDirectory::SyncNamesAbove() const {
  for (std::filesystem::path above = path_.parent_path();; above = above.parent_path()) {
    const std::string path = above.empty() ? "." : above.string();
    // What this process may not even read, it has not made.
    if (is_real() && ::access(path.c_str(), R_OK) != 0) return OkStatus();
    if (Status status = SyncNames(path); !status.ok()) return status;
    if (above == above.parent_path()) return OkStatus();
  }
}

Status DataDirectory::SyncNames(const std::string& path) const {
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status status = env_.NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  return FromRocks(status, "sync the names in " + path);
}

Status DataDirectory::TakeLock() {
  if (!is_real()) return OkStatus();
  const std::string path = path_ / "lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return SystemError("open " + path, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return OkStatus();
  if (errno != EWOULDBLOCK) return SystemError("lock " + path, errno);
  return Error(StatusCode::kFailedPrecondition,
               "data directory " + path_.string() +
                   " is in use: a running ackwired, or another ackctl, has it open; stop it first, "
                   "or give another directory");
}

Status DataDirectory::CheckEmpty() const {
  std::vector<std::string> names;
  const rocksdb::Status listed = env_.GetChildren(path_, &names);
  if (listed.IsNotFound() || listed.IsPathNotFound()) return OkStatus();
  if (!listed.ok()) return FromRocks(listed, "list " + path_.string());
  for (const std::string& name : names) {
    if (name == "." || name == ".." || name == "lock" || name == "lost+found") continue;
    return Error(StatusCode::kFailedPrecondition,
                 path_.string() + " is not empty: there is " + name +
                     "; give a directory that does not exist yet, or an empty one");
  }
  return OkStatus();
}

Status DataDirectory::ReadFormat(DirectoryKind kind) {
  std::string text;
  const rocksdb::Status read = rocksdb::ReadFileToString(&env_, format_path(), &text);
  if (!read.ok()) return FromRocks(read, "read " + format_path());
  const std::optional<Format> found = ParseFormat(text);
  if (found && found->kind == kind) {
    version_ = found->version;
    return OkStatus();
  }
  std::string what;
  if (!found) {
    what = format_path() + " says \"" + text.substr(0, text.find('\n')) +
           "\", this server reads \"ackwire " + std::to_string(kOldestVersion) +
           "\" to \"ackwire " + std::to_string(kVersion) + "\"; start the server that wrote it";
  } else if (found->kind == DirectoryKind::kLog) {
    what = path_.string() + " is a data directory, and not a backup";
  } else if (found->kind == DirectoryKind::kBackup) {
    what = path_.string() + " is a backup: to make a data directory of it, ackctl restore " +
           path_.string() + " DATA_DIR";
  } else {
    what = path_.string() +
           " is being restored; if nobody is at it, that was cut off: remove it, restore again";
  }
  return Error(StatusCode::kFailedPrecondition, what);
}

Status DataDirectory::WriteFirstFormat() const {
  const rocksdb::Status database = env_.FileExists(database_path());
  if (database.ok()) {
    return Error(StatusCode::kDataLoss,
                 format_path() +
                     " is missing but there is a database. Nothing was changed. Put the file back: "
                     "its one line is \"ackwire 1\", whichever server wrote the directory: what "
                     "an older one did not write is added then");
  }
  if (!database.IsNotFound()) return FromRocks(database, "look for " + database_path());
  // Before the format: where there is one, the directory itself is safe.
  if (Status status = SyncNamesAbove(); !status.ok()) return status;
  return SetKind(DirectoryKind::kLog);
}

Status DataDirectory::SetKind(DirectoryKind kind) const {
  return WriteFile(format_path(), FormatOf(kind));
}

Status DataDirectory::WriteFile(const std::string& path, const std::string& content) const {
  // Renamed into place: a crash on the way must not leave half of it, which would be refused.
  const std::string draft = path + ".new";
  rocksdb::Status status = rocksdb::WriteStringToFile(&env_, content, draft, true);
  if (status.ok()) status = env_.RenameFile(draft, path);
  if (!status.ok()) return FromRocks(status, "write " + path);
  return SyncNames(path_.string());
}

}  // namespace ackwire
