// What RocksDB alone does with the same bytes: the log rows of a workload, one put a message, in
// order of position, synced as often as the store does, with the options of the family `log`. It is
// what the store's rate is held against. RocksDB's threads are the process's: they yield here too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/ackbench/workload.h"

namespace ackwire::bench {

// Rows are made beforehand, so that making them is not timed; they are used in turns.
[[nodiscard]] std::vector<std::string> MakeLogRows(const Workload& workload, std::uint64_t count);

struct RawPuts {
  std::uint64_t messages = 0;
  std::uint64_t group = 0;  // messages for each sync
  bool batched = false;     // one write a group, and not one a message
};
// Puts a second. The directory must be empty. Throws std::runtime_error when RocksDB fails.
[[nodiscard]] double MeasureRawPuts(const std::filesystem::path& directory,
                                    const std::vector<std::string>& rows, const RawPuts& puts);

}  // namespace ackwire::bench
