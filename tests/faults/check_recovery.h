// What a recovery of a damaged directory must come to: a log that opens and verifies, of which
// every message and record is there as it was written, or is named as lost; and never both.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/faults/lived_directory.h"

namespace ackwire {

struct RecoveryFindings {
  std::vector<std::string> problems;
  std::uint64_t messages_lost = 0;
  std::uint64_t records_lost = 0;
};

// Recovers the directory, accepting the loss, and opens it.
[[nodiscard]] RecoveryFindings CheckRecovery(const std::filesystem::path& directory,
                                             const Lived& lived);

}  // namespace ackwire
