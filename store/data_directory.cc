#include "store/data_directory.h"

#include <fcntl.h>
#include <rocksdb/env.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "store/database.h"

namespace ackwire {
namespace {

constexpr char kFormat[] = "ackwire 1\n";

Status SystemError(const std::string& tried, int error) {
  return Error(StatusCode::kUnavailable, tried + ": " + std::strerror(error));
}

// With a trailing slash, the directory's parent would be the directory itself.
std::filesystem::path WithoutSlash(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace

StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::filesystem::path& path,
                                                             rocksdb::Env* env) {
  return Take(path, env, true);
}

StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::OpenExisting(
    const std::filesystem::path& path, rocksdb::Env* env) {
  return Take(path, env, false);
}

StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Take(const std::filesystem::path& path,
                                                             rocksdb::Env* env, bool create) {
  const bool real = env == nullptr;
  std::unique_ptr<DataDirectory> directory(
      new DataDirectory(WithoutSlash(path), real ? *rocksdb::Env::Default() : *env));
  if (!create && !directory->env_.FileExists(directory->format_path()).ok()) {
    return Error(StatusCode::kNotFound,
                 directory->path_.string() + " is not a data directory: it has no file `format`");
  }
  if (create) {
    if (Status status = directory->Create(); !status.ok()) return status;
  }
  if (real) {
    if (Status status = directory->TakeLock(); !status.ok()) return status;
  }
  if (Status status = directory->CheckFormat(); !status.ok()) return status;
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
  const std::string path = path_ / "lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return SystemError("open " + path, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return OkStatus();
  if (errno != EWOULDBLOCK) return SystemError("lock " + path, errno);
  return Error(StatusCode::kFailedPrecondition,
               "data directory " + path_.string() +
                   " is in use by another server; stop it, or give another directory");
}

Status DataDirectory::CheckFormat() const {
  const std::string path = format_path();
  const rocksdb::Status exists = env_.FileExists(path);
  if (exists.ok()) {
    std::string found;
    const rocksdb::Status read = rocksdb::ReadFileToString(&env_, path, &found);
    if (!read.ok()) return FromRocks(read, "read " + path);
    if (found == kFormat) return OkStatus();
    return Error(StatusCode::kFailedPrecondition,
                 path + " says \"" + found.substr(0, found.find('\n')) +
                     "\", this server reads \"ackwire 1\"; start the server that wrote it");
  }
  if (!exists.IsNotFound()) return FromRocks(exists, "read " + path);
  if (env_.FileExists(database_path()).ok()) {
    return Error(StatusCode::kDataLoss, path + " is missing but there is a database");
  }
  // Before the format: where there is one, the directory itself is safe.
  if (Status status = SyncNamesAbove(); !status.ok()) return status;
  return WriteFile(path, kFormat);
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
