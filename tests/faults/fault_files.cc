#include "tests/faults/fault_files.h"

#include <utility>

namespace ackwire {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus ReadInto(const OpenFile& file, std::size_t offset, std::size_t size, Slice* result,
                  char* scratch) {
  std::size_t read = 0;
  const IOStatus status = file.disk->Read(file.handle, offset, size, scratch, read);
  *result = Slice(scratch, read);
  return status;
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(OpenFile file) : file_(std::move(file)) {}

  IOStatus Read(std::size_t size, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    const IOStatus status = ReadInto(file_, offset_, size, result, scratch);
    offset_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t size) override {
    offset_ = std::min(offset_ + size, file_.disk->SizeOf(file_.handle));
    return IOStatus::OK();
  }

 private:
  const OpenFile file_;
  std::size_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(OpenFile file) : file_(std::move(file)) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions&, Slice* result,
                char* scratch, IODebugContext*) const override {
    return ReadInto(file_, offset, size, result, scratch);
  }

 private:
  const OpenFile file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  explicit WritableFile(OpenFile file) : file_(std::move(file)) {}

  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& bytes, const IOOptions&, IODebugContext*) override {
    return file_.disk->Append(file_.handle, bytes.ToStringView());
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
    return file_.disk->Truncate(file_.handle, size);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return file_.disk->Sync(file_.handle);
  }
  bool IsSyncThreadSafe() const override { return true; }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    return file_.disk->SizeOf(file_.handle);
  }

 private:
  const OpenFile file_;
};

class RandomRwFile final : public rocksdb::FSRandomRWFile {
 public:
  explicit RandomRwFile(OpenFile file) : file_(std::move(file)) {}

  IOStatus Write(std::uint64_t offset, const Slice& bytes, const IOOptions&,
                 IODebugContext*) override {
    return file_.disk->Write(file_.handle, offset, bytes.ToStringView());
  }
  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions&, Slice* result,
                char* scratch, IODebugContext*) const override {
    return ReadInto(file_, offset, size, result, scratch);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return file_.disk->Sync(file_.handle);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  const OpenFile file_;
};

class DirectoryHandle final : public rocksdb::FSDirectory {
 public:
  explicit DirectoryHandle(OpenFile directory) : directory_(std::move(directory)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return directory_.disk->SyncDirectory(directory_.handle);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  const OpenFile directory_;
};

}  // namespace

std::unique_ptr<rocksdb::FSSequentialFile> MakeSequentialFile(OpenFile file) {
  return std::make_unique<SequentialFile>(std::move(file));
}
std::unique_ptr<rocksdb::FSRandomAccessFile> MakeRandomAccessFile(OpenFile file) {
  return std::make_unique<RandomAccessFile>(std::move(file));
}
std::unique_ptr<rocksdb::FSWritableFile> MakeWritableFile(OpenFile file) {
  return std::make_unique<WritableFile>(std::move(file));
}
std::unique_ptr<rocksdb::FSRandomRWFile> MakeRandomRwFile(OpenFile file) {
  return std::make_unique<RandomRwFile>(std::move(file));
}
std::unique_ptr<rocksdb::FSDirectory> MakeDirectoryHandle(OpenFile directory) {
  return std::make_unique<DirectoryHandle>(std::move(directory));
}

}  // namespace ackwire
