// A data directory that a store has lived in, and what must be in it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "store/records.pb.h"
#include "tests/faults/answers.h"
#include "tests/faults/disk_image.h"
#include "tests/faults/surviving_log.h"

namespace ackwire {

enum class LifeEnd { kClean, kKill, kPowerCut };

// What a store left that was not damaged.
struct Lived {
  LifeEnd end = LifeEnd::kClean;
  SurvivingLog log;
  Answers answers;
  std::string epoch;
  store::Watermark mark;                         // what came after it cannot be told from a write
                                                 // that was cut off, if the end was not clean
  std::map<std::string, std::string> family_of;  // of each table file in use
  std::vector<std::string> problems;             // that have nothing to do with damage
  Counters counts;                               // what happened
};

// What is to be left for somebody to damage.
enum class Leaves {
  kAny,            // tables of the log and of the journal, and all that there happens to be
  kWriteAheadLog,  // a write-ahead log that is not empty too: the end is no clean one
};

// Lets a store live on a disk in memory, from what `seed` draws (RocksDB's own threads merge tables
// when they come to it, so which files there are may differ), and puts what is on the disk in
// the end into `directory`, on a real one, where nothing is yet. What must be in it is what a start
// of the undamaged original finds, which is held against what was answered.
[[nodiscard]] Lived Live(std::uint64_t seed, const std::filesystem::path& directory, Leaves leaves);

}  // namespace ackwire
