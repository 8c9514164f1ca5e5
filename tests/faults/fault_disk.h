// FaultDisk is a DiskImage behind one lock, with faults on order: the Nth call of some kind fails,
// or the machine stops there. Everything below a FaultFileSystem comes through here.
//
// Threads: any.
#pragma once

#include <rocksdb/io_status.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/rng.h"
#include "tests/faults/disk_image.h"

namespace ackwire {

// Kinds of calls, as bits.
enum IoCall : std::uint32_t {
  kIoOpen = 1U << 0U,  // of a file that is there, to read it
  kIoCreate = 1U << 1U,
  kIoRead = 1U << 2U,
  kIoWrite = 1U << 3U,  // and truncation
  kIoSync = 1U << 4U,
  kIoSyncDirectory = 1U << 5U,
  kIoRename = 1U << 6U,
  kIoLink = 1U << 7U,
  kIoDelete = 1U << 8U,
  kIoMakeDirectory = 1U << 9U,
  kIoList = 1U << 10U,
  kIoStat = 1U << 11U,
  kIoLock = 1U << 12U,
};
// What changes something on disk, or promises it.
inline constexpr std::uint32_t kIoChanges = kIoCreate | kIoWrite | kIoSync | kIoSyncDirectory |
                                            kIoRename | kIoLink | kIoDelete | kIoMakeDirectory;
inline constexpr std::uint32_t kIoAll = (1U << 13U) - 1;

enum class FaultKind {
  kError,       // EIO
  kNoSpace,     // ENOSPC
  kShortWrite,  // of a write some bytes arrive, then EIO; any other call fails with EIO
  kStop,        // the machine stops: of a write some bytes arrive; nothing works any more
};

struct Fault {
  std::uint64_t nth = 1;         // which call from now on, of those in `calls`, is hit
  std::uint32_t calls = kIoAll;  // IoCall bits
  FaultKind kind = FaultKind::kError;
  bool lasting = false;  // all later calls in `calls` fail too: a dead disk
};

class FaultDisk {
 public:
  // A file or directory that somebody has open. It is worth nothing after a restart.
  struct Handle {
    NodePtr node;
    std::string path;
    std::uint64_t life = 0;
  };
  struct FileFacts {
    const Node* node = nullptr;  // tells files apart
    bool directory = false;
    std::size_t size = 0;
    std::uint64_t modified_at = 0;
    std::uint64_t links = 0;
  };
  // A call that the fault on order has hit.
  struct HitCall {
    IoCall call{};
    std::string path;
  };
  enum class IfExists { kFine, kError };
  enum class OpenMode { kRead, kTruncate, kAppend, kReadWrite };

  // `seed` says how much of a short write arrives.
  explicit FaultDisk(std::uint64_t seed) : rng_(seed) {}

  // Replaces the fault on order.
  void Order(const Fault& fault);
  // From now on calls succeed.
  void Heal();
  // Whether the fault ordered last has hit, and which call first.
  [[nodiscard]] bool hit() const;
  [[nodiscard]] std::optional<HitCall> first_hit() const;
  [[nodiscard]] bool stopped() const;

  // What is on the other disk is on this one, all of it synced. REQUIRES: nobody uses either.
  void CopyFrom(const FaultDisk& other);

  // The process is killed: all that was written stays. Nothing works until Restart.
  void Crash();
  // The power goes. Nothing works until Restart.
  void PowerCut(Rng& rng);
  // REQUIRES: whoever used the disk is gone. Ends a fault that lasts.
  void Restart();

  void SetFreeBytes(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t free_bytes() const;

  // Calls so far, by kind; faults hit so far, by kind of call and of fault; what power cuts did.
  [[nodiscard]] Counters calls() const;
  [[nodiscard]] Counters faults() const;
  [[nodiscard]] Counters cuts() const;

  [[nodiscard]] rocksdb::IOStatus Open(const std::string& path, OpenMode mode, Handle& handle);
  [[nodiscard]] rocksdb::IOStatus OpenDirectory(const std::string& path, Handle& handle);
  // Returns how many bytes there were in `read`.
  [[nodiscard]] rocksdb::IOStatus Read(const Handle& file, std::size_t offset, std::size_t size,
                                       char* to, std::size_t& read);
  [[nodiscard]] rocksdb::IOStatus Write(const Handle& file, std::size_t offset,
                                        std::string_view bytes);
  [[nodiscard]] rocksdb::IOStatus Append(const Handle& file, std::string_view bytes);
  [[nodiscard]] rocksdb::IOStatus Truncate(const Handle& file, std::size_t size);
  [[nodiscard]] rocksdb::IOStatus Sync(const Handle& file);
  [[nodiscard]] rocksdb::IOStatus SyncDirectory(const Handle& directory);
  [[nodiscard]] std::size_t SizeOf(const Handle& file) const;

  [[nodiscard]] rocksdb::IOStatus Stat(const std::string& path, FileFacts& facts);
  [[nodiscard]] rocksdb::IOStatus List(const std::string& path, std::vector<std::string>& names);
  [[nodiscard]] rocksdb::IOStatus MakeDirectory(const std::string& path, IfExists if_exists);
  // A file, or a directory in which there is nothing.
  [[nodiscard]] rocksdb::IOStatus Remove(const std::string& path);
  [[nodiscard]] rocksdb::IOStatus Rename(const std::string& from, const std::string& to);
  [[nodiscard]] rocksdb::IOStatus Link(const std::string& from, const std::string& to);
  [[nodiscard]] rocksdb::IOStatus Lock(const std::string& path, std::uint64_t& life);
  void Unlock(const std::string& path, std::uint64_t life);

 private:
  // Counts the call, and lets the fault on order have it.
  [[nodiscard]] rocksdb::IOStatus Begin(IoCall call, const std::string& path);
  [[nodiscard]] rocksdb::IOStatus Begin(IoCall call, const Handle& handle);
  [[nodiscard]] rocksdb::IOStatus Hit(IoCall call, const std::string& path);
  [[nodiscard]] rocksdb::IOStatus WriteLocked(const Handle& file, std::size_t offset,
                                              std::string_view bytes);

  mutable std::mutex mutex_;  // guards all below
  DiskImage image_;
  Rng rng_;
  Fault fault_{.nth = 0};  // nth counts down; zero: none is on order
  std::optional<HitCall> first_hit_;
  bool failing_ = false;       // a lasting fault has hit
  bool part_arrives_ = false;  // of the write that the fault has hit
  bool stopped_ = false;
  std::uint64_t life_ = 1;  // counts restarts
  std::uint64_t free_bytes_ = std::numeric_limits<std::uint64_t>::max();
  std::set<std::string> locks_;
  std::map<IoCall, std::uint64_t> calls_;
  Counters faults_;
  Counters cuts_ = DiskImage::NoCounts();
};

[[nodiscard]] const char* NameOf(IoCall call);
[[nodiscard]] const char* NameOf(FaultKind kind);

}  // namespace ackwire
