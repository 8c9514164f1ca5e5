// A file that somebody wrote for the server: its configuration, its keys, its certificates.
//
// Threads: any; blocks on disk.
// Bounds:  kTextFileBytesMax.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "store/status.h"

namespace ackwire {

inline constexpr std::uintmax_t kTextFileBytesMax = 1U << 20U;

// All of it. `what` is what named the file, such as a flag: errors begin with it.
//   kNotFound         it cannot be read
//   kInvalidArgument  it is over the limit
[[nodiscard]] StatusOr<std::string> ReadTextFile(const std::filesystem::path& file,
                                                 const std::string& what);

}  // namespace ackwire
