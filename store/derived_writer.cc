#include "store/derived_writer.h"

#include <rocksdb/write_batch.h>

#include "store/crash_point.h"
#include "store/derived_rows.h"
#include "store/sorted_runs.h"

namespace ackwire {

Status DerivedWriter::Step(std::size_t batch_entries_max) {
  if (!frozen_) frozen_ = derived_.Freeze();
  if (!frozen_) return OkStatus();
  CrashPoint(crash::kBeforeDerivedRun);
  const bool small = frozen_->tail->size() <= batch_entries_max;
  Status status = small ? WriteBatch(*frozen_) : WriteRuns(*frozen_);
  if (!status.ok()) return status;
  CrashPoint(crash::kAfterDerivedCheckpoint);
  derived_.DropFrozen();
  frozen_.reset();  // the last to hold it: freeing so much takes a while, and here under no lock
  return OkStatus();
}

Status DerivedWriter::WriteBatch(const FrozenTail& frozen) {
  rocksdb::WriteBatch batch;
  const auto put = [&](Family family, const std::string& key,
                       const std::optional<std::string>& value) {
    const rocksdb::Status added = value ? batch.Put(database_.handle(family), key, *value)
                                        : batch.Delete(database_.handle(family), key);
    return FromRocks(added, "gather the derived rows");
  };
  if (Status status = ForEachRow(database_, frozen, put); !status.ok()) return status;
  CrashPoint(crash::kAfterDerivedRun);
  return database_.Write(batch, Sync::kNo);
}

Status DerivedWriter::WriteRuns(const FrozenTail& frozen) {
  SortedRuns runs(database_);
  const auto add = [&runs](Family family, const std::string& key,
                           const std::optional<std::string>& value) {
    return runs.Add(family, key, value);
  };
  if (Status status = ForEachRow(database_, frozen, add); !status.ok()) return status;
  if (Status status = runs.Finish(); !status.ok()) return status;
  CrashPoint(crash::kAfterDerivedRun);
  // Log rows of the tail may not be synced (`buffered`), nor are rows of earlier batches ever: were
  // they lost, this checkpoint would still say that they are there.
  if (Status status = database_.SyncAll(); !status.ok()) return status;
  return runs.Ingest();
}

}  // namespace ackwire
