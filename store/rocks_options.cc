#include "store/rocks_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

namespace ackwire {

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  if (env != nullptr) options.env = env;
  // Derived families are written in the background and flushed rarely; without a cap their
  // memtables would keep every WAL file alive and a start would replay them all.
  options.max_total_wal_size = 256ULL << 20U;
  options.keep_log_file_num = 4;
  // Each write-ahead log would take room for a whole memtable at once. Where there is less, that
  // fails, but keeps what it got: the next file finds a full disk.
  options.allow_fallocate = false;
  // A start must not need room either: on a full disk a server that crashed would stay down.
  options.avoid_flush_during_recovery = true;
  // Damage that RocksDB meets in the background ends the server: it is for people to look at, and
  // not for trying again.
  options.max_bgerror_resume_count = 0;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family /*family*/,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  // Most look-ups of `ids` are for ids that are new: the filter answers them without a read.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace ackwire
