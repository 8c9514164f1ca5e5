// What this process has asked of the machine so far.
#pragma once

#include <cstdint>

namespace ackwire::bench {

struct Usage {
  std::uint64_t disk_bytes = 0;  // written to disk, by whichever of its threads
  double cpu_seconds = 0;        // of all its threads
};

// Throws std::runtime_error where the system does not tell.
[[nodiscard]] Usage UsageNow();

}  // namespace ackwire::bench
