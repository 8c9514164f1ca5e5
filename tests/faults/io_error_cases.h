// Every Nth call failing, in every way: which cases there are, and how they are gone through. Each
// few in a process of their own: RocksDB, which Debian builds with its assertions, aborts now and
// then while a database is destroyed that has met an error, and a case that hangs must not stop the
// others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/faults/disk_image.h"
#include "tests/faults/io_errors.h"

namespace ackwire {

// For one N: in every way, or in each way that a disk fails with what the calls are counted from
// taking turns.
enum class IoErrorWays { kAll, kInTurns };
[[nodiscard]] std::vector<IoErrorCase> IoErrorCasesOf(std::uint64_t nth, IoErrorWays ways);

struct IoErrorFindings {
  std::uint64_t cases = 0;
  std::vector<std::string> problems;
  Counters counts;
};
// REQUIRES: this process has one thread.
[[nodiscard]] IoErrorFindings RunIoErrorCases(const std::vector<IoErrorCase>& cases,
                                              std::uint64_t seed);

}  // namespace ackwire
