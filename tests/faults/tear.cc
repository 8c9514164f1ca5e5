// What a power cut leaves of the unsynced writes of one file.
#include <algorithm>
#include <vector>

#include "tests/faults/disk_image.h"

namespace ackwire {
namespace {

enum class Fate { kLost, kKept, kZeros, kGarbage };

// A part of a write that the disk takes as a whole.
struct Piece {
  std::size_t offset;
  std::size_t size;
  Fate fate = Fate::kLost;
};

// The writes in order, cut at the borders of the disk's sectors or of the cache's pages.
std::vector<Piece> PiecesOf(const std::vector<Node::Write>& writes, std::size_t page_size) {
  std::vector<Piece> pieces;
  for (const Node::Write& write : writes) {
    const std::size_t end = write.offset + write.size;
    for (std::size_t at = write.offset; at < end;) {
      const std::size_t next = std::min(end, (at / page_size + 1) * page_size);
      pieces.push_back({at, next - at});
      at = next;
    }
  }
  return pieces;
}

// All before some piece are kept; that one has the given fate.
void KeepPrefix(std::vector<Piece>& pieces, Fate fate_of_next, Rng& rng) {
  const std::size_t kept = rng.Next() % pieces.size();
  for (std::size_t i = 0; i < kept; ++i) pieces[i].fate = Fate::kKept;
  pieces[kept].fate = fate_of_next;
  if (fate_of_next == Fate::kKept) pieces[kept].size = rng.Next() % pieces[kept].size;
}

void DecideFates(std::vector<Piece>& pieces, Tearing tearing, Rng& rng, Counters& counts) {
  enum How : std::uint64_t { kLose, kKeep, kTear, kShuffle, kZero, kSoil, kHows };
  switch (static_cast<How>(rng.Next() % (tearing == Tearing::kAnyhow ? kHows : kShuffle))) {
    case kLose:
      ++counts["unsynced bytes lost"];
      return;
    case kKeep:
      ++counts["unsynced bytes kept"];
      for (Piece& piece : pieces) piece.fate = Fate::kKept;
      return;
    case kTear:
      ++counts["torn in a write"];
      return KeepPrefix(pieces, Fate::kKept, rng);
    case kShuffle:
      ++counts["written out of order"];
      for (Piece& piece : pieces) piece.fate = rng.Next() % 2 == 0 ? Fate::kKept : Fate::kLost;
      return;
    case kZero:
      ++counts["zeros in a page"];
      return KeepPrefix(pieces, Fate::kZeros, rng);
    case kSoil:
    case kHows:
      ++counts["garbage in a page"];
      return KeepPrefix(pieces, Fate::kGarbage, rng);
  }
}

std::string BytesOf(const Piece& piece, const Node& file, Rng& rng) {
  std::string bytes = file.live.substr(piece.offset, piece.size);
  if (piece.fate == Fate::kKept) return bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char other = piece.fate == Fate::kGarbage ? static_cast<char>(rng.Next()) : '\0';
    // What is on the disk already, and written once more, stays.
    const std::size_t at = piece.offset + i;
    const bool there = at < file.durable.size() && file.durable[at] == bytes[i];
    if (!there) bytes[i] = other;
  }
  return bytes;
}

}  // namespace

void Tear(Node& file, Tearing tearing, Rng& rng, Counters& counts) {
  constexpr std::size_t kSectorBytes = 512;
  constexpr std::size_t kPageBytes = 4096;
  // What came after a truncation is on disk only where the truncation is.
  const bool truncated = file.smallest < file.durable.size();
  const bool truncation_kept = !truncated || rng.Next() % 2 == 0;
  if (truncated && truncation_kept) file.durable.resize(file.smallest);
  if (truncation_kept && !file.unsynced.empty()) {
    std::vector<Piece> pieces =
        PiecesOf(file.unsynced, rng.Next() % 2 == 0 ? kSectorBytes : kPageBytes);
    DecideFates(pieces, tearing, rng, counts);
    for (const Piece& piece : pieces) {
      if (piece.fate == Fate::kLost) continue;
      const std::string bytes = BytesOf(piece, file, rng);
      if (file.durable.size() < piece.offset + piece.size) {
        file.durable.resize(piece.offset + piece.size, '\0');
      }
      file.durable.replace(piece.offset, piece.size, bytes);
    }
  }
  file.live = file.durable;
  file.unsynced.clear();
  file.smallest = file.live.size();
}

}  // namespace ackwire
