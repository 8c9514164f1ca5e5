#include "store/replay_rows.h"

#include <rocksdb/iterator.h>

#include "store/difference.h"
#include "store/keys.h"
#include "store/record.h"

namespace ackwire {
namespace {

store::ReplayRow RowOf(const ReplayInfo& info) {
  store::ReplayRow row;
  *row.mutable_started() = info.started;
  row.set_started_at_ms(ToUnixMs(info.started_at));
  row.set_acked(info.acked);
  row.set_failed(info.failed);
  for (const auto& [why, count] : info.skipped) {
    store::ReplaySkippedRow& skipped = *row.add_skipped();
    skipped.set_reason(why.first);
    skipped.set_state(why.second);
    skipped.set_count(count);
  }
  row.set_paused(info.paused);
  row.set_cancelled(info.cancelled);
  row.set_rate_per_second(info.rate_per_second);
  if (info.ended_at) row.set_ended_at_ms(ToUnixMs(*info.ended_at));
  row.set_as_of(info.as_of.value);
  return row;
}

ReplayInfo InfoOf(ReplayId id, const store::ReplayRow& row) {
  ReplayInfo info{.id = id,
                  .started = row.started(),
                  .started_at = FromUnixMs(row.started_at_ms()),
                  .rate_per_second = row.rate_per_second(),
                  .acked = row.acked(),
                  .failed = row.failed(),
                  .paused = row.paused(),
                  .cancelled = row.cancelled(),
                  .as_of = EventId{row.as_of()}};
  for (const auto& skipped : row.skipped()) {
    info.skipped[{skipped.reason(), skipped.state()}] = skipped.count();
  }
  if (row.ended_at_ms() != 0) info.ended_at = FromUnixMs(row.ended_at_ms());
  return info;
}

Status LoadRow(std::string_view key, std::string_view value, ReplayTable& table) {
  const std::string name = ReadableKey(Family::kReplays, key);
  auto parsed = keys::ParseReplays(key);
  if (!parsed) return Error(StatusCode::kDataLoss, "replays: " + name);
  if (parsed->open) {
    store::ReplayOpenRow row;
    if (Status status = record::OpenInto(value, name, row); !status.ok()) return status;
    table.LoadOpen(parsed->replay, {parsed->open->client, parsed->open->channel},
                   UnpackRuns(row.runs()));
    return OkStatus();
  }
  store::ReplayRow row;
  if (Status status = record::OpenInto(value, name, row); !status.ok()) return status;
  table.Load(InfoOf(parsed->replay, row));
  return OkStatus();
}

}  // namespace

StatusOr<ReplayTable> ReadReplays(const Database& database) {
  ReplayTable table;
  if (database.handle(Family::kReplays) == nullptr) return table;  // of an older format
  const auto rows = database.NewIterator(Family::kReplays, {});
  for (; rows->Valid(); rows->Next()) {
    Status status = LoadRow(rows->key().ToStringView(), rows->value().ToStringView(), table);
    if (!status.ok()) return status;
  }
  if (!rows->status().ok()) return FromRocks(rows->status(), "read the replays");
  return table;
}

Status VisitReplays(const ReplayTable::Changes& changes, const VisitRow& visit) {
  std::map<std::string, std::optional<std::string>> rows;
  for (const ReplayInfo& info : changes.replays) {
    rows[keys::Replays(info.id)] = record::Seal(RowOf(info));
  }
  for (const auto& [id, open] : changes.open) {
    for (const auto& [pair, runs] : open) {
      std::optional<std::string>& value = rows[keys::ReplayOpen(id, pair.first, pair.second)];
      if (runs.empty()) continue;
      store::ReplayOpenRow row;
      PackRuns(runs, *row.mutable_runs());
      value = record::Seal(row);
    }
  }
  for (const auto& [key, value] : rows) {
    if (Status status = visit(Family::kReplays, key, value); !status.ok()) return status;
  }
  return OkStatus();
}

}  // namespace ackwire
