#include "tests/faults/surviving_log.h"

#include <rocksdb/iterator.h>

#include <map>
#include <string>
#include <utility>

#include "store/keys.h"
#include "store/record.h"
#include "store/recovery.h"

namespace ackwire {
namespace {

Status Expect(bool met, const std::string& what) {
  return met ? OkStatus() : Error(StatusCode::kDataLoss, what);
}

Status ReadMessages(const Database& database, SurvivingLog& log) {
  std::map<ChannelId, Seq> last;
  const auto row = database.NewIterator(Family::kLog, {});
  for (; row->Valid(); row->Next()) {
    const Position expected{log.messages.size() + 1};
    const auto found = keys::ParseLog(row->key().ToStringView());
    Status status =
        Expect(found == expected, "the log has no position " + std::to_string(expected.value));
    if (!status.ok()) return status;
    StatusOr<StoredMessage> stored = ParseLogRow(expected, row->value().ToStringView());
    if (!stored.ok()) return stored.status();
    status = Expect(stored->seq().value == ++last[stored->channel].value,
                    "seqs of " + stored->message.channel() + " are not dense at position " +
                        std::to_string(expected.value));
    if (!status.ok()) return status;
    log.messages.push_back(*std::move(stored));
  }
  return FromRocks(row->status(), "read the log");
}

Status ReadRecords(const Database& database, SurvivingLog& log) {
  const auto row = database.NewIterator(Family::kJournal, {});
  for (; row->Valid(); row->Next()) {
    const JournalNumber expected{log.records.size() + 1};
    const std::string what = "journal record " + std::to_string(expected.value);
    const auto found = keys::ParseJournal(row->key().ToStringView());
    Status status = Expect(found == expected, what + " is missing");
    if (!status.ok()) return status;
    store::JournalRecord record;
    status = record::OpenInto(row->value().ToStringView(), what, record);
    if (!status.ok()) return status;
    status = Expect(record.position() <= log.messages.size(),
                    what + " was written after a position that is not there");
    if (!status.ok()) return status;
    log.records.push_back(std::move(record));
  }
  return FromRocks(row->status(), "read the journal");
}

}  // namespace

StatusOr<SurvivingLog> ReadSurvivingLog(const Database& database) {
  SurvivingLog log;
  if (Status status = ReadMessages(database, log); !status.ok()) return status;
  if (Status status = ReadRecords(database, log); !status.ok()) return status;
  return log;
}

}  // namespace ackwire
