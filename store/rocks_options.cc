#include "store/rocks_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/universal_compaction.h>

namespace ackwire {
namespace {

constexpr std::size_t kMiB = 1ULL << 20U;

// Log and journal: written once, in order of key, never changed; read in order from some place.
void SetUpSequential(rocksdb::ColumnFamilyOptions& options,
                     rocksdb::BlockBasedTableOptions& table) {
  // A crash leaves at most so much of it to read again, and as many files as it takes.
  options.write_buffer_size = 64 * kMiB;
  // The writer goes on while one is flushed and the next one waits for it.
  options.max_write_buffer_number = 4;
  // Fewer index entries, which are resident: one for some fifty messages.
  table.block_size = 16U << 10U;
  // No filter: what is looked up is there.
}

// Runs of a family before they are merged: where a look-up asks the filter of each (every message
// makes one in `ids`), and where a reader looks into each once for many rows.
constexpr int kRunsWithFilter = 8;
constexpr int kRunsInOrder = 24;

// Derived families arrive as sorted runs each of which spans all keys.
void SetUpDerived(rocksdb::ColumnFamilyOptions& options, rocksdb::BlockBasedTableOptions& table,
                  int runs_before_merge) {
  // Merging runs of like size writes a row about once for each factor of `runs_before_merge` in
  // all; by levels it would be written again with each merge into the level below it.
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.level0_file_num_compaction_trigger = runs_before_merge;
  // With so many runs unmerged RocksDB slows down all writes, and then stops them. Nothing else
  // bounds the runs: merging yields to the writer, and must catch up in the end.
  constexpr int kRunsSlowdown = 96;
  constexpr int kRunsStop = 192;
  options.level0_slowdown_writes_trigger = kRunsSlowdown;
  options.level0_stop_writes_trigger = kRunsStop;
  // Only small tails come by way of a memtable.
  options.write_buffer_size = 8 * kMiB;
  // Numbers and hashes: what compression finds in them costs more than it saves.
  options.compression = rocksdb::kNoCompression;
  table.block_size = 8U << 10U;
}

// A few rows, each of them soon deleted or replaced.
void SetUpSmall(rocksdb::ColumnFamilyOptions& options) { options.write_buffer_size = 8 * kMiB; }

}  // namespace

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  if (env != nullptr) options.env = env;
  // What a start reads again after a crash. Small families are flushed rarely, and without a cap
  // their memtables would keep every file of the write-ahead log alive.
  options.max_total_wal_size = 192 * kMiB;
  // Files of the log beyond these are opened when they are read: descriptors, and the memory for
  // their indexes, stay bounded however long the log grows.
  options.max_open_files = 512;
  // A start opens up to 16 tables of each family, by threads made anew for each family, tables or
  // none: the 16 that RocksDB takes by default are 360 threads a start, and most of its time.
  options.max_file_opening_threads = 2;
  // Written back as it comes, and not all at once under the feet of a commit's sync.
  options.bytes_per_sync = kMiB;
  options.keep_log_file_num = 4;
  // Each write-ahead log would take room for a whole memtable at once. Where there is less, that
  // fails, but keeps what it got: the next file finds a full disk (tests/crash/run full-disk).
  options.allow_fallocate = false;
  // A start must not need room either: on a full disk a server that crashed would stay down. What
  // is left in the old write-ahead logs is synced first (Database::Open).
  options.avoid_flush_during_recovery = true;
  // RocksDB does not miss a write-ahead log that is gone from among the others, unless it has
  // written down which there are.
  options.track_and_verify_wals_in_manifest = true;
  // Damage that RocksDB meets in the background ends the server: it is for people to look at, and
  // not for trying again.
  options.max_bgerror_resume_count = 0;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  switch (family) {
    case Family::kLog:
    case Family::kJournal:
      SetUpSequential(options, table);
      break;
    case Family::kMeta:
    case Family::kOutbox:
    case Family::kBaseMeta:
      SetUpSmall(options);
      break;
    case Family::kIds:
    case Family::kLedger:
    case Family::kParked:
    case Family::kBaseLedger:
      SetUpDerived(options, table, kRunsWithFilter);
      // Most look-ups are for what is not there (an id that is new, a client's first subscription):
      // the filters of all runs answer them without a read. At 14 bits a key one in 500 is wrong.
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(14));
      break;
    case Family::kIndex:
    case Family::kChannels:
    case Family::kMembers:
    case Family::kFailures:
    case Family::kHistory:
    case Family::kReplays:
    case Family::kBaseChannels:
    case Family::kBaseMembers:
    case Family::kBaseParked:
    case Family::kBaseReplays:
      SetUpDerived(options, table, kRunsInOrder);  // a filter would not be asked
      break;
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace ackwire
