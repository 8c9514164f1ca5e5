#include "store/guarded_env.h"

#include <rocksdb/file_system.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace ackwire {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// The first error of each file that could not be read.
class FailedReads {
 public:
  void Note(const std::string& path, const IOStatus& why) {
    std::lock_guard lock(mutex_);
    failed_.emplace(path, why);
  }
  [[nodiscard]] IOStatus Of(const std::string& path) const {
    std::lock_guard lock(mutex_);
    const auto found = failed_.find(path);
    return found == failed_.end() ? IOStatus::OK() : found->second;
  }

 private:
  mutable std::mutex mutex_;  // guards failed_
  std::map<std::string, IOStatus> failed_;
};

class NotedFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  NotedFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, std::string path,
            std::shared_ptr<FailedReads> failed)
      : FSRandomAccessFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        failed_(std::move(failed)) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options,
                rocksdb::Slice* result, char* scratch, IODebugContext* context) const override {
    IOStatus status =
        FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, context);
    if (!status.ok()) failed_->Note(path_, status);
    return status;
  }

 private:
  const std::string path_;
  const std::shared_ptr<FailedReads> failed_;
};

// A list of files. Says when it could not be written or synced.
class ListFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  ListFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<std::atomic<bool>> failed)
      : FSWritableFileOwnerWrapper(std::move(file)), failed_(std::move(failed)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    return Noted(FSWritableFileOwnerWrapper::Append(data, options, context));
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* context) override {
    return Noted(FSWritableFileOwnerWrapper::Append(data, options, verification, context));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* context) override {
    return Noted(FSWritableFileOwnerWrapper::Flush(options, context));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return Noted(FSWritableFileOwnerWrapper::Sync(options, context));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return Noted(FSWritableFileOwnerWrapper::Fsync(options, context));
  }

 private:
  IOStatus Noted(IOStatus status) {
    if (!status.ok()) *failed_ = true;
    return status;
  }

  const std::shared_ptr<std::atomic<bool>> failed_;
};

bool IsList(const std::string& path) { return path.find("/MANIFEST-") != std::string::npos; }

class GuardedFiles final : public rocksdb::FileSystemWrapper {
 public:
  GuardedFiles(const std::shared_ptr<rocksdb::FileSystem>& files, std::string ingest_path)
      : FileSystemWrapper(files), ingest_path_(std::move(ingest_path)) {}

  const char* Name() const override { return "GuardedFiles"; }

  IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext* context) override {
    IOStatus status = target()->NewRandomAccessFile(path, options, file, context);
    if (status.ok() && path.starts_with(ingest_path_)) {
      *file = std::make_unique<NotedFile>(std::move(*file), path, failed_);
    }
    return status;
  }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* context) override {
    IOStatus status = target()->NewWritableFile(path, options, file, context);
    if (status.ok() && IsList(path)) {
      *file = std::make_unique<ListFile>(std::move(*file), list_failed_);
    }
    return status;
  }

  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* context) override {
    if (*list_failed_ && path.ends_with(".sst")) {
      return IOStatus::IOError(path, "kept: a list of files that failed may name it");
    }
    return target()->DeleteFile(path, options, context);
  }

  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* context) override {
    const IOStatus failed = failed_->Of(from);
    return failed.ok() ? target()->LinkFile(from, to, options, context) : failed;
  }

 private:
  const std::string ingest_path_;
  const std::shared_ptr<FailedReads> failed_ = std::make_shared<FailedReads>();
  const std::shared_ptr<std::atomic<bool>> list_failed_ =
      std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

GuardedEnv::GuardedEnv(rocksdb::Env& env, const std::string& ingest_path)
    : rocksdb::EnvWrapper(&env) {
  file_system_ = std::make_shared<GuardedFiles>(env.GetFileSystem(), ingest_path);
  system_clock_ = env.GetSystemClock();
}

}  // namespace ackwire
