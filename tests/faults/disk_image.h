// DiskImage is a file system in memory that knows what is on the disk and what only the page cache
// has: of each file the unsynced writes, and of the tree the unsynced creations, renames and
// deletions. Cut() does to it what a power cut may do.
//
// What it promises is what a journaling file system promises and no more:
// - What was synced stays: the bytes of a file by its own sync, its name by its directory's.
// - Unsynced bytes stay, go, arrive in part or out of order, or leave zeros or garbage where they
//   should have been.
// - Unsynced changes of names survive up to some point, in their order, and not beyond it.
// - After a sync that failed, what it should have written is never written: as on Linux, a second
//   sync reports success for pages that are gone.
//
// Threads: one owner (tests/faults/fault_disk.h guards it).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/rng.h"

namespace ackwire {

// What happened, by name. Each starts at zero, so that a test can ask for all to be above it.
using Counters = std::map<std::string, std::uint64_t>;

// A file or a directory.
struct Node {
  struct Write {
    std::size_t offset;
    std::size_t size;
  };

  bool directory = false;
  std::uint64_t modified_at = 0;  // ticks of the image

  // Of a file.
  std::string live;             // what is read
  std::string durable;          // what was there at the last sync
  std::vector<Write> unsynced;  // since then, in order
  std::size_t smallest = 0;     // size since then, where it was truncated
  std::uint64_t links = 1;

  // Of a directory.
  using Names = std::map<std::string, std::shared_ptr<Node>, std::less<>>;
  Names names;
  Names durable_names;
};
using NodePtr = std::shared_ptr<Node>;

class DiskImage {
 public:
  DiskImage();
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;
  DiskImage(DiskImage&&) = default;
  DiskImage& operator=(DiskImage&&) = default;

  // Becomes what the other one holds, all of it synced.
  void CopyFrom(const DiskImage& other);

  // Null where there is nothing of this name.
  [[nodiscard]] NodePtr Find(std::string_view path) const;

  // REQUIRES of all below: the directory above exists, and what is named is of the right kind.
  NodePtr Create(std::string_view path);
  void MakeDirectory(std::string_view path);
  void Remove(std::string_view path);
  void Rename(std::string_view from, std::string_view to);
  void Link(std::string_view from, std::string_view to);
  [[nodiscard]] NodePtr Parent(std::string_view path) const;

  void Write(Node& file, std::size_t offset, std::string_view bytes);
  void Truncate(Node& file, std::size_t size);

  static void Sync(Node& file);
  // The sync failed: the file reads on as before, but its unsynced writes will never be on disk.
  static void LoseUnsynced(Node& file);
  void SyncDirectory(const Node& directory);

  // The power goes. `counts` is told what that did.
  void Cut(Rng& rng, Counters& counts);
  [[nodiscard]] static Counters NoCounts();

 private:
  struct Edit {
    NodePtr directory;
    std::string name;
    NodePtr node;  // null: the name is gone
  };
  // Happens as a whole or not at all.
  struct Change {
    const char* lost;  // the counter of it being lost
    std::vector<Edit> edits;
  };

  void Do(Change change);
  static void MakeDurable(const Change& change);
  void CutBelow(Node& directory, std::set<const Node*>& seen, Rng& rng, Counters& counts);

  NodePtr root_;
  std::vector<Change> unsynced_;  // in order
  std::uint64_t ticks_ = 0;
};

// What a power cut leaves of a file: durable and live become that.
enum class Tearing {
  kAnyhow,
  kAtTheEnd,  // a prefix of what was not synced stays
};
void Tear(Node& file, Tearing tearing, Rng& rng, Counters& counts);

}  // namespace ackwire
