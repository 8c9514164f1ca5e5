// What the file that --config names says of the server itself. What it says of channels is read by
// policy_file.h.
//
// Threads: any; blocks on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "store/status.h"

namespace ackwire {

// A value as a flag would have it. Of an array: its items, with commas between them.
struct FileSetting {
  std::string text;
  bool is_array = false;
  std::uint32_t line = 0;
};

// By key. Each key is one of `known`.
//   kInvalidArgument  names file, line and key, what was wrong and what would be right
//   kNotFound         the file cannot be read
[[nodiscard]] StatusOr<std::map<std::string, FileSetting>> ReadSettingsFile(
    const std::filesystem::path& file, const std::vector<std::string>& known);

}  // namespace ackwire
