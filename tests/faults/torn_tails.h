// A store that loses power again and again, at any call that changes something on disk: in the
// middle of a commit, of a derived run, of a checkpoint, of a start. After each start it must be
// what it said it was.
//
// It runs on one thread and a clock of its own, so that a seed is a run: only the bytes that
// RocksDB draws for its own identities differ.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/database.h"
#include "tests/faults/disk_image.h"

namespace ackwire {

struct TornTails {
  std::vector<std::string> problems;
  std::uint64_t kept = 0;  // works that are there after all that happened
  std::uint64_t lost = 0;  // works that were answered and are gone
  Counters counts;         // what happened, all of which a run of many seeds brings about
};

[[nodiscard]] TornTails RunTornTails(std::uint64_t seed, Durability durability);

}  // namespace ackwire
