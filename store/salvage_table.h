// Reads what can be read of one of RocksDB's table files, also where blocks of it are damaged, and
// whether or not a database knows the file.
//
// Threads: one; blocks on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace ackwire {

struct SalvagedTable {
  std::string family;         // RocksDB's name of it; empty when the file cannot be opened
  std::uint64_t rows = 0;     // read
  std::uint64_t damages = 0;  // stretches of blocks that could not be
  std::string first_damage;   // what RocksDB said of the first, or of the whole file
};

using RowSink =
    std::function<void(const std::string& family, std::string_view key, std::string_view value)>;

// Each row that can be read, in order of key. Rows of damaged blocks are left out; those of the
// blocks behind are found by asking for the keys that follow.
[[nodiscard]] SalvagedTable SalvageTable(rocksdb::Env& env, const std::string& path,
                                         const RowSink& sink);

}  // namespace ackwire
