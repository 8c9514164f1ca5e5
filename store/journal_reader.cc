#include "store/journal_reader.h"

#include <rocksdb/iterator.h>

#include <algorithm>

#include "store/keys.h"
#include "store/record.h"
#include "store/records.pb.h"

namespace ackwire {
namespace {

std::string NameOf(JournalNumber number) {
  return "journal record " + std::to_string(number.value);
}

// How an event of this client begins, as protobuf writes it.
std::string BytesOf(const std::string& client) {
  store::Event event;
  event.set_client(client);
  return event.SerializeAsString();
}

void TakeEvents(JournalNumber number, const store::JournalRecord& record, const std::string& client,
                const std::function<void(const JournalEvent&)>& take) {
  std::uint64_t index = 0;
  for (const store::Event& event : record.events()) {
    const EventId id = EventId::Of(number, index++);
    if (event.client() == client) take({id, FromUnixMs(record.at_ms()), event});
  }
}

Status NotThere(JournalNumber number) {
  if (number == JournalNumber{1}) {
    return Error(
        StatusCode::kOutOfRange,
        "the journal no longer begins with its first record: what clients were owed before "
        "cannot be told");
  }
  return Error(StatusCode::kDataLoss, NameOf(number) + " is missing");
}

}  // namespace

StatusOr<JournalReader::Walked> JournalReader::Walk(
    const Part& part, const std::function<void(const JournalEvent&)>& take) const {
  const std::string wanted = BytesOf(part.client);
  Walked walked;
  const JournalNumber behind{std::min(
      {part.to.value + 1, derived_.last_number().value + 1, part.from.value + part.records_max})};
  const auto row =
      database_.NewIterator(Family::kJournal, {keys::Journal(part.from), keys::Journal(behind)},
                            Database::Reading::kWalk);
  for (JournalNumber number = part.from; number < behind; ++number.value, row->Next()) {
    if (!row->status().ok()) return FromRocks(row->status(), "read " + NameOf(number));
    if (!row->Valid() || keys::ParseJournal(row->key().ToStringView()) != number) {
      return database_.damage().Noted(NotThere(number));
    }
    const auto body = record::Open(row->value().ToStringView(), NameOf(number));
    if (!body.ok()) return database_.damage().Noted(body.status());
    const bool is_last = number.value + 1 == behind.value;
    if (!is_last && !record::Contains(*body, wanted)) continue;
    store::JournalRecord record;
    if (!record.ParseFromArray(body->data(), static_cast<int>(body->size()))) {
      return database_.damage().Noted(
          Error(StatusCode::kDataLoss, NameOf(number) + ": is no record"));
    }
    walked.up_to = FromUnixMs(record.at_ms());
    TakeEvents(number, record, part.client, take);
  }
  const bool at_end = behind.value > std::min(part.to.value, derived_.last_number().value);
  if (!at_end) walked.next = behind;
  return walked;
}

StatusOr<std::optional<Timestamp>> JournalReader::BeginsAt() const {
  const auto row = database_.NewIterator(Family::kJournal, {});
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal's first record");
  if (!row->Valid()) return std::optional<Timestamp>();
  store::JournalRecord record;
  const Status status =
      record::OpenInto(row->value().ToStringView(), "the journal's first record", record);
  if (!status.ok()) return database_.damage().Noted(status);
  return std::optional<Timestamp>(FromUnixMs(record.at_ms()));
}

}  // namespace ackwire
