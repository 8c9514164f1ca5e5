#include "store/file_copy.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "store/crc32c.h"
#include "store/database.h"

namespace ackwire {
namespace {

constexpr std::size_t kChunkBytes = 1ULL << 20U;

// Calls `take` with the file's first `bytes_max` bytes, a chunk at a time.
StatusOr<FileSum> ReadChunks(rocksdb::Env& env, const std::string& path, std::uint64_t bytes_max,
                             const BytesRead& read,
                             const std::function<Status(const rocksdb::Slice&)>& take) {
  std::unique_ptr<rocksdb::SequentialFile> file;
  rocksdb::Status status = env.NewSequentialFile(path, &file, rocksdb::EnvOptions());
  if (!status.ok()) return FromRocks(status, "open " + path);
  FileSum sum;
  std::string buffer(kChunkBytes, '\0');
  while (sum.bytes < bytes_max) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, bytes_max - sum.bytes));
    rocksdb::Slice chunk;
    status = file->Read(wanted, &chunk, buffer.data());
    if (!status.ok()) return FromRocks(status, "read " + path);
    if (chunk.empty()) return sum;
    sum.bytes += chunk.size();
    sum.crc32c = ExtendCrc32c(sum.crc32c, chunk.ToStringView());
    if (Status taken = take(chunk); !taken.ok()) return taken;
    if (Status told = read(chunk.size()); !told.ok()) return told;
  }
  return sum;
}

Status FromWrite(const rocksdb::Status& status, const std::string& path) {
  if (status.IsNoSpace()) return DiskFull("write " + path + ": the disk is full");
  return FromRocks(status, "write " + path);
}

}  // namespace

StatusOr<FileSum> CopyFile(rocksdb::Env& env, const FileCopy& copy, const BytesRead& read) {
  std::unique_ptr<rocksdb::WritableFile> to;
  rocksdb::Status status = env.NewWritableFile(copy.to, &to, rocksdb::EnvOptions());
  if (!status.ok()) return FromWrite(status, copy.to);
  std::uint64_t written = 0;
  const StatusOr<FileSum> sum =
      ReadChunks(env, copy.from, copy.bytes, read, [&](const rocksdb::Slice& chunk) {
        rocksdb::Status wrote = to->Append(chunk);
        // Written back as it comes: all at once, in the end, it would hold up the commits' syncs.
        if (wrote.ok()) wrote = to->RangeSync(written, chunk.size());
        written += chunk.size();
        return FromWrite(wrote, copy.to);
      });
  if (!sum.ok()) return sum;
  if (sum->bytes < copy.bytes) {
    return Error(StatusCode::kDataLoss, copy.from + " has " + std::to_string(sum->bytes) +
                                            " bytes, fewer than the " + std::to_string(copy.bytes) +
                                            " that belong to it");
  }
  status = to->Sync();
  if (status.ok()) status = to->Close();
  if (!status.ok()) return FromWrite(status, copy.to);
  return sum;
}

StatusOr<FileSum> SumFile(rocksdb::Env& env, const std::string& path, const BytesRead& read) {
  return ReadChunks(env, path, std::numeric_limits<std::uint64_t>::max(), read,
                    [](const rocksdb::Slice&) { return OkStatus(); });
}

}  // namespace ackwire
