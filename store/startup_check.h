// What a start looks at before it trusts a data directory. It opens it read-only, so a refusal
// leaves every byte as it was.
#pragma once

#include <string>

#include "store/data_directory.h"
#include "store/status.h"

namespace ackwire {
namespace store {
class Watermark;
}

struct StartupCheck {
  // The log was `buffered` when the machine lost power: its newest writes may be gone, so what
  // follows is another log.
  bool power_cut = false;
};

// Holds the log against the watermark, and looks for gaps and damage in log, journal and outbox
// beyond their checkpoints. `boot_id` is that of the running kernel. A directory without a database
// is in order.
//   kDataLoss  something is missing or damaged: file or family, range, last good position
[[nodiscard]] StatusOr<StartupCheck> CheckDirectory(const DataDirectory& directory,
                                                    const std::string& boot_id);

// Holds RocksDB's list of its files against what the mark says of it. RocksDB reads it without a
// word, wherever it ends; each start begins a new one, which says all that the one before did.
//   kDataLoss  it was cut off, or CURRENT names an older one
[[nodiscard]] Status CheckListOfFiles(const DataDirectory& directory, const store::Watermark& mark);

}  // namespace ackwire
