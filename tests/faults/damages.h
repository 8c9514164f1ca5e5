// A data directory that a store has lived in, one file of it damaged, and what a start and the
// first read make of it. Nothing may be wrong or missing without a word.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "tests/faults/damaged_file.h"
#include "tests/faults/disk_image.h"

namespace ackwire {

enum class DamageOutcome {
  kRefused,      // and nothing on disk was changed
  kFoundAtRead,  // the start went through; DATA_LOSS where it was read, and all else was right
  kEndLost,      // of an unclean end, what came after the last mark
  kHarmless,     // everything is there
  kSilent,       // something is wrong or missing, and nobody said so
};
inline constexpr std::size_t kDamageOutcomes = 5;
[[nodiscard]] const char* NameOf(DamageOutcome outcome);

struct Damaged {
  std::optional<Damage> damage;  // none: there was nothing left to damage
  DamageOutcome outcome = DamageOutcome::kHarmless;
  std::vector<std::string> problems;  // silent losses too
  std::uint64_t messages_lost = 0;    // by what recovery found
  std::uint64_t records_lost = 0;
  Counters counts;  // what happened before
};

// One seed. Seeds take turns at kinds of files and of damage.
[[nodiscard]] Damaged RunDamage(std::uint64_t seed);

// Counts of many, as a table.
class DamageTable {
 public:
  void Add(const Damaged& one);
  void Print() const;
  // Whether every kind of damage was done to every kind of file.
  [[nodiscard]] bool MetAll() const;

 private:
  std::map<std::tuple<FileKind, DamageKind, DamageOutcome>, std::uint64_t> counts_;
  std::uint64_t messages_lost_ = 0;
  std::uint64_t records_lost_ = 0;
  Counters lives_;
};

}  // namespace ackwire
