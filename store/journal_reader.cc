#include "store/journal_reader.h"

#include <rocksdb/iterator.h>

#include <algorithm>

#include "store/base.h"
#include "store/difference.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/records.pb.h"

namespace ackwire {
namespace {

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

Status JournalReader::NotThere(JournalNumber number) const {
  const StatusOr<FoldPoint> base = BasePoint(database_);
  if (!base.ok()) return base.status();
  if (number > base->number) {
    return Error(StatusCode::kDataLoss, NameOf(number) + " is missing");
  }
  return Error(StatusCode::kOutOfRange,
               NameOf(number) + " is not kept any more: the journal begins with record " +
                   std::to_string(base->number.value + 1) + " now; ask again");
}

StatusOr<JournalReader::Beginning> JournalReader::BeginningOf(const std::string& client) const {
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    const StatusOr<FoldPoint> before = BasePoint(database_);
    if (!before.ok()) return before.status();
    if (before->number.value == 0) return Beginning();
    Beginning beginning{.first = {before->number.value + 1}};
    if (Status status = ReadBase(client, beginning); !status.ok()) return status;
    auto known_from = CommittedFrom(beginning.first);
    if (!known_from.ok()) return known_from.status();
    beginning.known_from = *known_from;
    const StatusOr<FoldPoint> after = BasePoint(database_);
    if (!after.ok()) return after.status();
    if (after->number == before->number) return beginning;
  }
  return Error(StatusCode::kUnavailable, "the journal is being trimmed; ask again");
}

Status JournalReader::ReadBase(const std::string& client, Beginning& out) const {
  const Database::Range rows{keys::Ledger(client, {}), keys::LedgerEnd(client)};
  const auto row = base_->NewIterator(Family::kLedger, rows);
  for (; row->Valid(); row->Next()) {
    const auto key = keys::ParseLedger(row->key().ToStringView());
    if (!key) continue;
    const std::string value = row->value().ToString();
    if (key->channel.value == 0) {
      StatusOr<ClientState> state = database_.damage().Noted(FoldClient(client, value, {}));
      if (!state.ok()) return state.status();
      out.state = *std::move(state);
    } else {
      StatusOr<LedgerEntry> entry = database_.damage().Noted(FoldLedger(*key, value, {}));
      if (!entry.ok()) return entry.status();
      out.entries.push_back({key->channel, *std::move(entry)});
    }
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal's base");
  const auto parked = base_->NewIterator(Family::kParked, rows);
  for (; parked->Valid(); parked->Next()) {
    const auto key = keys::ParseNumbered(parked->key().ToStringView());
    if (key) out.parked[key->channel].Add({{key->number}, {key->number}});
  }
  return FromRocks(parked->status(), "read the journal's base");
}

StatusOr<JournalReader::Kept> JournalReader::WhatIsKept() const {
  const StatusOr<FoldPoint> base = BasePoint(database_);
  if (!base.ok()) return base.status();
  const StatusOr<std::uint64_t> bytes = JournalBytesAfter(database_, base->number);
  if (!bytes.ok()) return bytes.status();
  const StatusOr<std::optional<Timestamp>> begins = CommittedFrom({base->number.value + 1});
  if (!begins.ok()) return begins.status();
  return Kept{.bytes = *bytes, .trimmed = base->number.value != 0, .begins_at = *begins};
}

StatusOr<std::optional<Timestamp>> JournalReader::CommittedFrom(JournalNumber first) const {
  const auto row = database_.NewIterator(Family::kJournal, {keys::Journal(first), {}});
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal's first record");
  if (!row->Valid()) return std::optional<Timestamp>();
  store::JournalRecord record;
  const Status status =
      record::OpenInto(row->value().ToStringView(), "the journal's first record", record);
  if (!status.ok()) return database_.damage().Noted(status);
  return std::optional<Timestamp>(FromUnixMs(record.at_ms()));
}

}  // namespace ackwire
