#include "store/migrate.h"

#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "store/failures.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/records.pb.h"

namespace ackwire {

Status Migrate(Database& database) {
  if (database.directory().version() >= DataDirectory::kVersion) return OkStatus();
  if (Status status = BackfillFailureLists(database); !status.ok()) return status;
  // An older server could not read what this one is going to write: from now on it refuses.
  return database.directory().SetKind(DirectoryKind::kLog);
}

Status BackfillFailureLists(Database& database) {
  constexpr int kBatchRows = 10'000;
  store::DerivedCheckpoint checkpoint;
  const auto folded = database.Get(Family::kMeta, meta::kDerived);
  if (!folded.ok()) return folded.status();
  if (!folded->has_value()) return OkStatus();
  if (Status status = record::OpenInto(**folded, "checkpoint of the derived families", checkpoint);
      !status.ok()) {
    return status;
  }
  rocksdb::WriteBatch batch;
  const auto rows = database.NewIterator(
      Family::kJournal, {keys::Journal({1}), keys::Journal({checkpoint.journal_number() + 1})});
  for (; rows->Valid(); rows->Next()) {
    const auto number = keys::ParseJournal(rows->key().ToStringView());
    if (!number) return Error(StatusCode::kDataLoss, "journal: a key that is none");
    const std::string what = "journal record " + std::to_string(number->value);
    store::JournalRecord record;
    Status status = record::OpenInto(rows->value().ToStringView(), what, record);
    if (!status.ok()) return status;
    for (const store::Event& event : record.events()) {
      for (const std::string& key : FailureKeysOf(*number, event)) {
        batch.Put(database.handle(Family::kFailures), key, "");
      }
    }
    if (batch.Count() < kBatchRows) continue;
    if (status = database.Write(batch, Sync::kNo); !status.ok()) return status;
    batch.Clear();
  }
  if (!rows->status().ok()) return FromRocks(rows->status(), "read the journal");
  return database.Write(batch, Sync::kYes);
}

}  // namespace ackwire
