// What each call of a FaultDisk does to its image.
#include <algorithm>
#include <cstring>

#include "tests/faults/fault_disk.h"

namespace ackwire {

using rocksdb::IOStatus;

namespace {

IOStatus Missing(const std::string& path) {
  return IOStatus::PathNotFound(path, "No such file or directory");
}

}  // namespace

IOStatus FaultDisk::Open(const std::string& path, OpenMode mode, Handle& handle) {
  std::lock_guard lock(mutex_);
  const bool reads = mode == OpenMode::kRead;
  if (IOStatus status = Begin(reads ? kIoOpen : kIoCreate, path); !status.ok()) return status;
  NodePtr node = image_.Find(path);
  if (node != nullptr && node->directory) return IOStatus::IOError(path, "Is a directory");
  if (node == nullptr) {
    const NodePtr parent = image_.Parent(path);
    if (reads || parent == nullptr) return Missing(path);
    node = image_.Create(path);
  } else if (mode == OpenMode::kTruncate) {
    image_.Truncate(*node, 0);
  }
  handle = {node, path, life_};
  return IOStatus::OK();
}

IOStatus FaultDisk::OpenDirectory(const std::string& path, Handle& handle) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoOpen, path); !status.ok()) return status;
  const NodePtr node = image_.Find(path);
  if (node == nullptr) return Missing(path);
  if (!node->directory) return IOStatus::IOError(path, "Not a directory");
  handle = {node, path, life_};
  return IOStatus::OK();
}

IOStatus FaultDisk::Read(const Handle& file, std::size_t offset, std::size_t size, char* to,
                         std::size_t& read) {
  std::lock_guard lock(mutex_);
  read = 0;
  if (IOStatus status = Begin(kIoRead, file); !status.ok()) return status;
  const std::string& bytes = file.node->live;
  if (offset >= bytes.size()) return IOStatus::OK();
  read = std::min(size, bytes.size() - offset);
  std::memcpy(to, bytes.data() + offset, read);
  return IOStatus::OK();
}

IOStatus FaultDisk::WriteLocked(const Handle& file, std::size_t offset, std::string_view bytes) {
  IOStatus status = Begin(kIoWrite, file);
  if (!status.ok() && part_arrives_ && !bytes.empty()) {
    bytes = bytes.substr(0, rng_.Next() % bytes.size());
  } else if (!status.ok()) {
    return status;
  }
  image_.Write(*file.node, offset, bytes);
  return status;
}

IOStatus FaultDisk::Write(const Handle& file, std::size_t offset, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  return WriteLocked(file, offset, bytes);
}

IOStatus FaultDisk::Append(const Handle& file, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  return WriteLocked(file, file.node->live.size(), bytes);
}

IOStatus FaultDisk::Truncate(const Handle& file, std::size_t size) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoWrite, file); !status.ok()) return status;
  image_.Truncate(*file.node, size);
  return IOStatus::OK();
}

IOStatus FaultDisk::Sync(const Handle& file) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoSync, file); !status.ok()) {
    // When the machine stops, the cut decides; else the page cache has given these pages up.
    if (!stopped_) DiskImage::LoseUnsynced(*file.node);
    return status;
  }
  DiskImage::Sync(*file.node);
  return IOStatus::OK();
}

IOStatus FaultDisk::SyncDirectory(const Handle& directory) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoSyncDirectory, directory); !status.ok()) return status;
  image_.SyncDirectory(*directory.node);
  return IOStatus::OK();
}

std::size_t FaultDisk::SizeOf(const Handle& file) const {
  std::lock_guard lock(mutex_);
  return file.node->live.size();
}

IOStatus FaultDisk::Stat(const std::string& path, FileFacts& facts) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoStat, path); !status.ok()) return status;
  const NodePtr node = image_.Find(path);
  if (node == nullptr) return Missing(path);
  facts = {.node = node.get(),
           .directory = node->directory,
           .size = node->live.size(),
           .modified_at = node->modified_at,
           .links = node->links};
  return IOStatus::OK();
}

IOStatus FaultDisk::List(const std::string& path, std::vector<std::string>& names) {
  std::lock_guard lock(mutex_);
  names.clear();
  if (IOStatus status = Begin(kIoList, path); !status.ok()) return status;
  const NodePtr node = image_.Find(path);
  if (node == nullptr || !node->directory) return IOStatus::NotFound(path, "No such directory");
  for (const auto& [name, child] : node->names) names.push_back(name);
  return IOStatus::OK();
}

IOStatus FaultDisk::MakeDirectory(const std::string& path, IfExists if_exists) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoMakeDirectory, path); !status.ok()) return status;
  if (const NodePtr node = image_.Find(path); node != nullptr) {
    const bool fine = node->directory && if_exists == IfExists::kFine;
    return fine ? IOStatus::OK() : IOStatus::IOError(path, "File exists");
  }
  if (image_.Parent(path) == nullptr) return Missing(path);
  image_.MakeDirectory(path);
  return IOStatus::OK();
}

IOStatus FaultDisk::Remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoDelete, path); !status.ok()) return status;
  const NodePtr node = image_.Find(path);
  if (node == nullptr) return Missing(path);
  if (!node->names.empty()) return IOStatus::IOError(path, "Directory not empty");
  image_.Remove(path);
  return IOStatus::OK();
}

IOStatus FaultDisk::Rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoRename, from); !status.ok()) return status;
  if (image_.Find(from) == nullptr || image_.Parent(to) == nullptr) return Missing(from);
  const NodePtr replaced = image_.Find(to);
  if (replaced != nullptr && !replaced->names.empty()) {
    return IOStatus::IOError(to, "Directory not empty");
  }
  image_.Rename(from, to);
  return IOStatus::OK();
}

IOStatus FaultDisk::Link(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoLink, from); !status.ok()) return status;
  const NodePtr node = image_.Find(from);
  if (node == nullptr || node->directory || image_.Parent(to) == nullptr) return Missing(from);
  if (image_.Find(to) != nullptr) return IOStatus::IOError(to, "File exists");
  image_.Link(from, to);
  return IOStatus::OK();
}

IOStatus FaultDisk::Lock(const std::string& path, std::uint64_t& life) {
  std::lock_guard lock(mutex_);
  if (IOStatus status = Begin(kIoLock, path); !status.ok()) return status;
  if (image_.Parent(path) == nullptr) return Missing(path);
  if (!locks_.insert(path).second) {
    return IOStatus::IOError("lock " + path, "already held by process");
  }
  if (image_.Find(path) == nullptr) image_.Create(path);
  life = life_;
  return IOStatus::OK();
}

void FaultDisk::Unlock(const std::string& path, std::uint64_t life) {
  std::lock_guard lock(mutex_);
  if (life == life_) locks_.erase(path);
}

}  // namespace ackwire
