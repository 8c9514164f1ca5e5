#include "store/migrate.h"

#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "store/derived_rows.h"
#include "store/failures.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/records.pb.h"

namespace ackwire {

Status Migrate(Database& database) {
  const int version = database.directory().version();
  if (version >= DataDirectory::kVersion) return OkStatus();
  if (version < kFirstWithFailureLists) {
    if (Status status = BackfillFailureLists(database); !status.ok()) return status;
  }
  // An older server could not read what this one is going to write: from now on it refuses.
  return database.directory().SetKind(DirectoryKind::kLog);
}

// What is damaged is not listed, and stops no start: a server of format 1 served it, too.
Status BackfillFailureLists(Database& database) {
  constexpr int kBatchRows = 10'000;
  const StatusOr<store::DerivedCheckpoint> checkpoint = ReadCheckpoint(database);
  if (!checkpoint.ok()) return checkpoint.status();
  rocksdb::WriteBatch batch;
  for (JournalNumber next{1}; next.value <= checkpoint->journal_number(); ++next.value) {
    const auto rows = database.NewIterator(
        Family::kJournal, {keys::Journal(next), keys::Journal({checkpoint->journal_number() + 1})});
    for (; rows->Valid(); rows->Next()) {
      const auto number = keys::ParseJournal(rows->key().ToStringView());
      store::JournalRecord record;
      if (!number || !record::OpenInto(rows->value().ToStringView(), "", record).ok()) continue;
      next = *number;
      for (const store::Event& event : record.events()) {
        for (const std::string& key : FailureKeysOf(*number, event)) {
          batch.Put(database.handle(Family::kFailures), key, "");
        }
      }
      if (batch.Count() < kBatchRows) continue;
      if (Status status = database.Write(batch, Sync::kNo); !status.ok()) return status;
      batch.Clear();
    }
    if (rows->status().ok()) break;
    const Status status = FromRocks(rows->status(), "read the journal");
    if (status.code() != StatusCode::kDataLoss) return status;
    // A damaged block: go on behind it.
  }
  return database.Write(batch, Sync::kYes);
}

}  // namespace ackwire
