// How RocksDB is set up: for the database, and for each family, with the reason at each.
#pragma once

#include <memory>

#include "store/database.h"

namespace rocksdb {
class Cache;
struct ColumnFamilyOptions;
struct DBOptions;
}  // namespace rocksdb

namespace ackwire {

// `env` null: the real file system.
[[nodiscard]] rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env);

[[nodiscard]] rocksdb::ColumnFamilyOptions FamilyOptions(
    Family family, const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace ackwire
