// SortedRuns writes rows as SST files, one a family, and brings all into RocksDB at once: after a
// crash either every row is there or none. A row costs a fraction of what it does by way of the
// write-ahead log and a memtable, and the writer's commits do not queue behind it.
//
// Threads: one at a time.
// Durable: once Ingest returns OK. What the rows were made from must be on disk before.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/status.h"

namespace rocksdb {
class SstFileWriter;
}  // namespace rocksdb

namespace ackwire {

class SortedRuns {
 public:
  explicit SortedRuns(Database& database);
  ~SortedRuns();
  SortedRuns(const SortedRuns&) = delete;
  SortedRuns& operator=(const SortedRuns&) = delete;

  // Deletes what a crash left in the directory of files to be ingested.
  [[nodiscard]] static Status DeleteLeftovers(const DataDirectory& directory);

  // No value is a deletion. REQUIRES: a family's rows come together, keys ascending.
  [[nodiscard]] Status Add(Family family, const std::string& key,
                           const std::optional<std::string>& value);

  // All files are written and synced.
  [[nodiscard]] Status Finish();
  // REQUIRES: Finish.
  [[nodiscard]] Status Ingest();

 private:
  struct Run {
    Family family;
    std::string path;
  };

  [[nodiscard]] Status Begin(Family family);

  Database& database_;
  std::vector<Run> runs_;
  std::unique_ptr<rocksdb::SstFileWriter> file_;  // of the last run; null when it is finished
};

}  // namespace ackwire
