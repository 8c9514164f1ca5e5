#include "store/outbox_rows.h"

#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "store/crash_point.h"
#include "store/keys.h"
#include "store/record.h"

namespace ackwire {
namespace {

std::string KeyOf(OutboxPoint point) { return keys::Outbox(point.last, point.number); }

}  // namespace

std::string OutboxKeyAfter(OutboxPoint point) {
  return keys::Outbox(point.last, {point.number.value + 1});
}

std::optional<OutboxPoint> ParseOutboxKey(std::string_view key) {
  const auto last = keys::ParseU64(key);
  const auto number = last ? keys::ParseU64(key.substr(sizeof(std::uint64_t))) : std::nullopt;
  if (!number) return std::nullopt;
  return OutboxPoint{{*last}, {*number}};
}

OutboxPoint PointOf(const CommittedGroup& group) { return {group.last, group.number}; }

StatusOr<OutboxPoint> LoadRelayCheckpoint(const Database& database) {
  const auto value = database.Get(Family::kMeta, meta::kRelay);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return OutboxPoint{};
  const auto point = ParseOutboxKey(**value);
  if (point) return *point;
  return database.damage().Noted(Error(StatusCode::kDataLoss, "the relay's checkpoint is damaged"));
}

StatusOr<std::uint64_t> OutboxRows::CountAfter(OutboxPoint point) const {
  std::uint64_t count = 0;
  const auto row = database_.NewIterator(Family::kOutbox, {OutboxKeyAfter(point), {}});
  for (; row->Valid(); row->Next()) ++count;
  if (!row->status().ok()) return FromRocks(row->status(), "read the outbox");
  return count;
}

StatusOr<SharedGroup> OutboxRows::Next(OutboxPoint point) const {
  return database_.damage().Noted(FindNext(point));
}

StatusOr<SharedGroup> OutboxRows::FindNext(OutboxPoint point) const {
  const auto row = database_.NewIterator(Family::kOutbox, {OutboxKeyAfter(point), {}});
  if (!row->status().ok()) return FromRocks(row->status(), "read the outbox");
  if (!row->Valid()) return SharedGroup();
  const auto next = ParseOutboxKey(row->key().ToStringView());
  store::OutboxRow parsed;
  if (!next) return Error(StatusCode::kDataLoss, "outbox: a key that is none");
  const std::string what = "outbox row of position " + std::to_string(next->last.value);
  Status status = record::OpenInto(row->value().ToStringView(), what, parsed);
  if (!status.ok()) return status;
  return ReadGroup(*next, parsed);
}

StatusOr<SharedGroup> OutboxRows::ReadGroup(OutboxPoint point, const store::OutboxRow& row) const {
  auto group = std::make_shared<CommittedGroup>();
  group->at = FromUnixMs(row.at_ms());
  group->last = point.last;
  group->number = point.number;
  if (row.first_position() != 0) {
    for (Position at{row.first_position()}; at <= point.last; ++at.value) {
      StatusOr<StoredMessage> stored = log_.ReadAt(at);
      if (!stored.ok()) return stored.status();
      group->messages.push_back(*std::move(stored));
    }
  }
  if (point.number.value != 0) {
    const std::string what = "journal record " + std::to_string(point.number.value);
    const auto value = database_.Get(Family::kJournal, keys::Journal(point.number));
    if (!value.ok()) return value.status();
    if (!value->has_value()) return Error(StatusCode::kDataLoss, what + " is missing");
    if (Status status = record::OpenInto(**value, what, group->record); !status.ok()) {
      return status;
    }
  }
  return SharedGroup(std::move(group));
}

Status OutboxRows::Trim(OutboxPoint point) {
  rocksdb::WriteBatch batch;
  batch.Put(database_.handle(Family::kMeta), meta::kRelay, KeyOf(point));
  batch.DeleteRange(database_.handle(Family::kOutbox), KeyOf({}), OutboxKeyAfter(point));
  CrashPoint(crash::kBeforeTrim);
  Status status = database_.Write(batch, Sync::kNo);
  CrashPoint(crash::kAfterTrim);
  return status;
}

}  // namespace ackwire
