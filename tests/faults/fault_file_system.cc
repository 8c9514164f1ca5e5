#include "tests/faults/fault_file_system.h"

#include <utility>

#include "tests/faults/fault_files.h"

namespace ackwire {
namespace {

using rocksdb::IOStatus;

class Silence final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}

 protected:
  rocksdb::Status CloseImpl() override { return rocksdb::Status::OK(); }
};

class HeldLock final : public rocksdb::FileLock {
 public:
  HeldLock(std::string path, std::uint64_t life) : path_(std::move(path)), life_(life) {}
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t life() const { return life_; }

 private:
  const std::string path_;
  const std::uint64_t life_;
};

// Opens `path` and gives `made` what `make` makes of it.
template <typename T>
IOStatus OpenAs(const std::shared_ptr<FaultDisk>& disk, const std::string& path,
                FaultDisk::OpenMode mode, std::unique_ptr<T> (*make)(OpenFile),
                std::unique_ptr<T>* made) {
  FaultDisk::Handle handle;
  const IOStatus status = disk->Open(path, mode, handle);
  if (status.ok()) {
    *made = make({disk, std::move(handle)});
  } else {
    made->reset();
  }
  return status;
}

}  // namespace

using Mode = FaultDisk::OpenMode;
using FileFacts = FaultDisk::FileFacts;

IOStatus FaultFileSystem::NewSequentialFile(const Path& path, const FileOptions&,
                                            Unique<rocksdb::FSSequentialFile>* file, Debug*) {
  return OpenAs(disk_, path, Mode::kRead, MakeSequentialFile, file);
}

IOStatus FaultFileSystem::NewRandomAccessFile(const Path& path, const FileOptions&,
                                              Unique<rocksdb::FSRandomAccessFile>* file, Debug*) {
  return OpenAs(disk_, path, Mode::kRead, MakeRandomAccessFile, file);
}

IOStatus FaultFileSystem::NewWritableFile(const Path& path, const FileOptions&,
                                          Unique<rocksdb::FSWritableFile>* file, Debug*) {
  if (options_files_ == OptionsFiles::kNone && path.find("/OPTIONS-") != path.npos) {
    file->reset();
    return IOStatus::NotSupported("options files", path);
  }
  return OpenAs(disk_, path, Mode::kTruncate, MakeWritableFile, file);
}

IOStatus FaultFileSystem::ReopenWritableFile(const Path& path, const FileOptions&,
                                             Unique<rocksdb::FSWritableFile>* file, Debug*) {
  return OpenAs(disk_, path, Mode::kAppend, MakeWritableFile, file);
}

IOStatus FaultFileSystem::NewRandomRWFile(const Path& path, const FileOptions&,
                                          Unique<rocksdb::FSRandomRWFile>* file, Debug*) {
  return OpenAs(disk_, path, Mode::kReadWrite, MakeRandomRwFile, file);
}

IOStatus FaultFileSystem::NewDirectory(const Path& path, const IOOptions&,
                                       Unique<rocksdb::FSDirectory>* directory, Debug*) {
  FaultDisk::Handle handle;
  const IOStatus status = disk_->OpenDirectory(path, handle);
  directory->reset();
  if (status.ok()) *directory = MakeDirectoryHandle({disk_, std::move(handle)});
  return status;
}

IOStatus FaultFileSystem::NewLogger(const Path&, const IOOptions&,
                                    std::shared_ptr<rocksdb::Logger>* logger, Debug*) {
  *logger = std::make_shared<Silence>();
  return IOStatus::OK();
}

IOStatus FaultFileSystem::FileExists(const Path& path, const IOOptions&, Debug*) {
  FileFacts facts;
  const IOStatus status = disk_->Stat(path, facts);
  return status.IsPathNotFound() ? IOStatus::NotFound(path) : status;
}

IOStatus FaultFileSystem::GetChildren(const Path& path, const IOOptions&,
                                      std::vector<std::string>* names, Debug*) {
  return disk_->List(path, *names);
}

IOStatus FaultFileSystem::GetFileSize(const Path& path, const IOOptions&, std::uint64_t* size,
                                      Debug*) {
  FileFacts facts;
  const IOStatus status = disk_->Stat(path, facts);
  *size = facts.size;
  return status;
}

IOStatus FaultFileSystem::GetFileModificationTime(const Path& path, const IOOptions&,
                                                  std::uint64_t* time, Debug*) {
  FileFacts facts;
  const IOStatus status = disk_->Stat(path, facts);
  *time = facts.modified_at;
  return status;
}

IOStatus FaultFileSystem::NumFileLinks(const Path& path, const IOOptions&, std::uint64_t* count,
                                       Debug*) {
  FileFacts facts;
  const IOStatus status = disk_->Stat(path, facts);
  *count = facts.links;
  return status;
}

IOStatus FaultFileSystem::AreFilesSame(const Path& one, const Path& other, const IOOptions&,
                                       bool* same, Debug*) {
  FileFacts first;
  FileFacts second;
  IOStatus status = disk_->Stat(one, first);
  if (status.ok()) status = disk_->Stat(other, second);
  *same = status.ok() && first.node == second.node;
  return status;
}

IOStatus FaultFileSystem::IsDirectory(const Path& path, const IOOptions&, bool* is, Debug*) {
  FileFacts facts;
  const IOStatus status = disk_->Stat(path, facts);
  *is = status.ok() && facts.directory;
  return status;
}

IOStatus FaultFileSystem::GetFreeSpace(const Path& path, const IOOptions&, std::uint64_t* bytes,
                                       Debug*) {
  FileFacts facts;
  const IOStatus status = disk_->Stat(path, facts);
  *bytes = disk_->free_bytes();
  return status;
}

IOStatus FaultFileSystem::GetAbsolutePath(const Path& path, const IOOptions&, std::string* absolute,
                                          Debug*) {
  *absolute = path.starts_with('/') ? path : "/" + path;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::GetTestDirectory(const IOOptions&, std::string* path, Debug*) {
  *path = "/test";
  return disk_->MakeDirectory(*path, FaultDisk::IfExists::kFine);
}

IOStatus FaultFileSystem::Truncate(const Path& path, std::size_t size, const IOOptions&, Debug*) {
  FaultDisk::Handle handle;
  const IOStatus status = disk_->Open(path, Mode::kRead, handle);
  return status.ok() ? disk_->Truncate(handle, size) : status;
}

IOStatus FaultFileSystem::DeleteFile(const Path& path, const IOOptions&, Debug*) {
  return disk_->Remove(path);
}

IOStatus FaultFileSystem::CreateDir(const Path& path, const IOOptions&, Debug*) {
  return disk_->MakeDirectory(path, FaultDisk::IfExists::kError);
}

IOStatus FaultFileSystem::CreateDirIfMissing(const Path& path, const IOOptions&, Debug*) {
  return disk_->MakeDirectory(path, FaultDisk::IfExists::kFine);
}

IOStatus FaultFileSystem::DeleteDir(const Path& path, const IOOptions&, Debug*) {
  return disk_->Remove(path);
}

IOStatus FaultFileSystem::RenameFile(const Path& from, const Path& to, const IOOptions&, Debug*) {
  return disk_->Rename(from, to);
}

IOStatus FaultFileSystem::LinkFile(const Path& from, const Path& to, const IOOptions&, Debug*) {
  return disk_->Link(from, to);
}

IOStatus FaultFileSystem::LockFile(const Path& path, const IOOptions&, rocksdb::FileLock** lock,
                                   Debug*) {
  std::uint64_t life = 0;
  const IOStatus status = disk_->Lock(path, life);
  *lock = status.ok() ? new HeldLock(path, life) : nullptr;
  return status;
}

IOStatus FaultFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, Debug*) {
  const std::unique_ptr<HeldLock> held(static_cast<HeldLock*>(lock));
  disk_->Unlock(held->path(), held->life());
  return IOStatus::OK();
}

}  // namespace ackwire
