// How many files, and so connections, this process may have open.
#pragma once

#include <cstdint>

namespace ackwire {

// What is left for RocksDB (max_open_files, store/rocks_options.cc), gRPC and the log: a store that
// can open no file takes no more writes, so connections must not take all.
inline constexpr std::uint64_t kFilesOfTheRest = 1024;

// Raises the limit to what the system lets it be raised to, and returns it. By default that is
// 1,024, however many are allowed.
[[nodiscard]] std::uint64_t RaiseFileLimit();

}  // namespace ackwire
