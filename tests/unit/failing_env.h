// FailingEnv is the real file system until it is told to fail: from then on, no sync succeeds, or
// the disk below a directory is full.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace ackwire {

class FailingEnv final : public rocksdb::EnvWrapper {
 public:
  FailingEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}

  void FailSyncs() { failing_ = true; }
  // Before anything else uses this.
  void FillDiskBelow(const std::string& path) { full_ = path + "/"; }

  const char* Name() const override { return "FailingEnv"; }

  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    if (!full_.empty() && name.starts_with(full_)) return rocksdb::Status::NoSpace(name);
    std::unique_ptr<rocksdb::WritableFile> real;
    rocksdb::Status status = target()->NewWritableFile(name, &real, options);
    if (status.ok()) *file = std::make_unique<File>(std::move(real), failing_);
    return status;
  }

 private:
  class File final : public rocksdb::WritableFileWrapper {
   public:
    File(std::unique_ptr<rocksdb::WritableFile> real, const std::atomic<bool>& failing)
        : rocksdb::WritableFileWrapper(real.get()), real_(std::move(real)), failing_(failing) {}
    rocksdb::Status Sync() override {
      if (failing_) return rocksdb::Status::IOError("the disk is gone");
      return rocksdb::WritableFileWrapper::Sync();
    }
    rocksdb::Status Fsync() override { return Sync(); }

   private:
    std::unique_ptr<rocksdb::WritableFile> real_;
    const std::atomic<bool>& failing_;
  };

  std::atomic<bool> failing_ = false;
  std::string full_;
};

}  // namespace ackwire
