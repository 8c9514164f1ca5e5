// Faults and lives; what calls do is in tests/faults/fault_disk_calls.cc.
#include "tests/faults/fault_disk.h"

namespace ackwire {

using rocksdb::IOStatus;

const char* NameOf(IoCall call) {
  switch (call) {
    case kIoOpen:
      return "open";
    case kIoCreate:
      return "create";
    case kIoRead:
      return "read";
    case kIoWrite:
      return "write";
    case kIoSync:
      return "sync";
    case kIoSyncDirectory:
      return "sync of a directory";
    case kIoRename:
      return "rename";
    case kIoLink:
      return "link";
    case kIoDelete:
      return "delete";
    case kIoMakeDirectory:
      return "make a directory";
    case kIoList:
      return "list";
    case kIoStat:
      return "stat";
    case kIoLock:
      return "lock";
  }
  return "?";
}

const char* NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kError:
      return "EIO";
    case FaultKind::kNoSpace:
      return "ENOSPC";
    case FaultKind::kShortWrite:
      return "short write";
    case FaultKind::kStop:
      return "stop";
  }
  return "?";
}

void FaultDisk::Order(const Fault& fault) {
  std::lock_guard lock(mutex_);
  fault_ = fault;
  first_hit_.reset();
  failing_ = false;
}

void FaultDisk::Heal() { Order({.nth = 0}); }

bool FaultDisk::hit() const { return first_hit().has_value(); }

std::optional<FaultDisk::HitCall> FaultDisk::first_hit() const {
  std::lock_guard lock(mutex_);
  return first_hit_;
}

bool FaultDisk::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

void FaultDisk::CopyFrom(const FaultDisk& other) {
  std::scoped_lock lock(mutex_, other.mutex_);
  image_.CopyFrom(other.image_);
}

void FaultDisk::Crash() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
}

void FaultDisk::PowerCut(Rng& rng) {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  image_.Cut(rng, cuts_);
}

void FaultDisk::Restart() {
  std::lock_guard lock(mutex_);
  stopped_ = failing_ = false;
  fault_.nth = 0;
  ++life_;
  locks_.clear();
}

void FaultDisk::SetFreeBytes(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

std::uint64_t FaultDisk::free_bytes() const {
  std::lock_guard lock(mutex_);
  return free_bytes_;
}

Counters FaultDisk::calls() const {
  std::lock_guard lock(mutex_);
  Counters calls;
  for (std::uint32_t bit = 1; bit < kIoAll; bit <<= 1U) {
    const auto call = static_cast<IoCall>(bit);
    const auto found = calls_.find(call);
    calls[NameOf(call)] = found == calls_.end() ? 0 : found->second;
  }
  return calls;
}

Counters FaultDisk::faults() const {
  std::lock_guard lock(mutex_);
  return faults_;
}

Counters FaultDisk::cuts() const {
  std::lock_guard lock(mutex_);
  return cuts_;
}

IOStatus FaultDisk::Begin(IoCall call, const std::string& path) {
  part_arrives_ = false;
  if (stopped_) return IOStatus::IOError(path, "the machine has stopped");
  ++calls_[call];
  if ((fault_.calls & call) == 0) return IOStatus::OK();
  if (failing_) return Hit(call, path);
  if (fault_.nth == 0 || --fault_.nth != 0) return IOStatus::OK();
  first_hit_ = HitCall{call, path};
  failing_ = fault_.lasting;
  return Hit(call, path);
}

IOStatus FaultDisk::Begin(IoCall call, const Handle& handle) {
  if (handle.life != life_) {
    return IOStatus::IOError(handle.path, "was opened before the machine stopped");
  }
  return Begin(call, handle.path);
}

IOStatus FaultDisk::Hit(IoCall call, const std::string& path) {
  ++faults_[std::string(NameOf(fault_.kind)) + " on " + NameOf(call)];
  const std::string what = std::string("fault on purpose: ") + NameOf(call) + ": ";
  part_arrives_ = fault_.kind == FaultKind::kShortWrite || fault_.kind == FaultKind::kStop;
  if (fault_.kind == FaultKind::kStop) {
    stopped_ = true;
    return IOStatus::IOError(path, what + "the machine stops");
  }
  if (fault_.kind != FaultKind::kNoSpace) return IOStatus::IOError(path, what + "EIO");
  // As RocksDB's own file system has it: it may try again by itself.
  IOStatus full = IOStatus::NoSpace(path, what + "ENOSPC");
  full.SetRetryable(true);
  return full;
}

}  // namespace ackwire
