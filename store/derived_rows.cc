#include "store/derived_rows.h"

#include <algorithm>
#include <span>
#include <vector>

#include "store/base.h"
#include "store/channel_rows.h"
#include "store/index_row.h"
#include "store/keys.h"
#include "store/ledger_fold.h"
#include "store/record.h"
#include "store/replay_rows.h"

namespace ackwire {
namespace {

Status VisitIndex(const Tail& tail, const VisitRow& visit) {
  std::vector<ChannelId> channels;
  channels.reserve(tail.index().size());
  for (const auto& [channel, positions] : tail.index()) channels.push_back(channel);
  std::sort(channels.begin(), channels.end());
  for (const ChannelId channel : channels) {
    const Tail::ChannelPositions& part = tail.index().at(channel);
    Seq last{part.first.value - 1};
    for (std::span<const Position> left = part.positions; !left.empty();) {
      const auto row = left.first(std::min(left.size(), kIndexRowMax));
      left = left.subspan(row.size());
      last.value += row.size();
      Status status = visit(Family::kIndex, keys::Index(channel, last), IndexRow::ValueOf(row));
      if (!status.ok()) return status;
    }
  }
  return OkStatus();
}

Status VisitIds(const Tail& tail, const VisitRow& visit) {
  std::vector<std::pair<IdKey, Position>> ids(tail.ids().begin(), tail.ids().end());
  std::sort(ids.begin(), ids.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [id, position] : ids) {
    Status status = visit(Family::kIds, keys::Ids(id.channel, id.hash), keys::U64(position.value));
    if (!status.ok()) return status;
  }
  return OkStatus();
}

Status VisitChannels(std::vector<ChannelInfo> channels, const VisitRow& visit) {
  std::sort(channels.begin(), channels.end(),
            [](const ChannelInfo& a, const ChannelInfo& b) { return a.name < b.name; });
  for (const ChannelInfo& channel : channels) {
    Status status = visit(Family::kChannels, channel.name, MakeChannelRow(channel));
    if (!status.ok()) return status;
  }
  return OkStatus();
}

store::ClientRow RowOf(const ClientState& state) {
  store::ClientRow row;
  row.set_last_seen_at_ms(ToUnixMs(state.last_seen_at));
  row.set_disconnects(state.disconnects);
  row.set_subscriptions(state.subscriptions);
  row.set_as_of(state.as_of.value);
  row.set_paused(state.paused);
  row.set_paused_at_ms(ToUnixMs(state.paused_at));
  row.set_pause_note(state.pause_note);
  return row;
}

// None of a client that is known no more.
StatusOr<std::optional<std::string>> FoldedRow(const Database& database, const std::string& key,
                                               const std::vector<TailEvent>& events) {
  const keys::LedgerKey parsed = *keys::ParseLedger(key);
  const auto stored = database.Get(Family::kLedger, key);
  if (!stored.ok()) return stored.status();
  if (parsed.channel.value == 0) {
    const StatusOr<ClientState> state = FoldClient(parsed.client, *stored, events);
    if (!state.ok()) return state.status();
    return state->known ? std::optional(record::Seal(RowOf(*state))) : std::nullopt;
  }
  // An entry that was unsubscribed keeps a row, for as_of: without it, folding again after a crash
  // would bring the old subscription back.
  const StatusOr<LedgerEntry> entry = FoldLedger(parsed, *stored, events);
  if (!entry.ok()) return entry.status();
  return std::optional(record::Seal(entry->ToRow()));
}

Status VisitLedger(const Database& database, const Tail& tail, const VisitRow& visit) {
  for (const auto& [key, events] : tail.ledger()) {
    StatusOr<std::optional<std::string>> row =
        database.damage().Noted(FoldedRow(database, key, events));
    // A damaged row stays as it is, and says so to whoever reads it: writing it anew would make it
    // whole and wrong. What it lacks is in log and journal; but what a base lacks is in records
    // that go once it has them, so these stay.
    if (row.status().code() == StatusCode::kDataLoss && !IsBase(database)) continue;
    if (!row.ok()) return row.status();
    if (Status status = visit(Family::kLedger, key, *std::move(row)); !status.ok()) return status;
  }
  return OkStatus();
}

Status VisitCheckpoint(const FrozenTail& frozen, const VisitRow& visit) {
  store::DerivedCheckpoint checkpoint;
  checkpoint.set_position(frozen.tail->last_position().value);
  checkpoint.set_journal_number(frozen.last_number.value);
  checkpoint.set_undelivered(frozen.totals.undelivered);
  checkpoint.set_parked(frozen.totals.parked);
  checkpoint.set_clients(frozen.totals.clients);
  return visit(Family::kMeta, meta::kDerived, record::Seal(checkpoint));
}

}  // namespace

StatusOr<store::DerivedCheckpoint> ReadCheckpoint(const Database& database) {
  store::DerivedCheckpoint checkpoint;
  const auto value = database.Get(Family::kMeta, meta::kDerived);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return checkpoint;
  Status status = record::OpenInto(**value, "checkpoint of the derived families", checkpoint);
  if (!status.ok()) return status;
  return checkpoint;
}

Status ForEachRow(const Database& database, const FrozenTail& frozen, const VisitRow& visit) {
  const Tail& tail = *frozen.tail;
  const auto has = [&](Family family) { return database.handle(family) != nullptr; };
  if (has(Family::kIndex)) {
    if (Status status = VisitIndex(tail, visit); !status.ok()) return status;
  }
  if (has(Family::kIds)) {
    if (Status status = VisitIds(tail, visit); !status.ok()) return status;
  }
  if (Status status = VisitChannels(frozen.channels, visit); !status.ok()) return status;
  if (Status status = VisitLedger(database, tail, visit); !status.ok()) return status;
  for (const auto& [family, rows] : tail.all_rows()) {
    if (!has(family)) continue;
    for (const auto& [key, value] : rows) {
      if (Status status = visit(family, key, value); !status.ok()) return status;
    }
  }
  if (Status status = VisitReplays(frozen.replays, visit); !status.ok()) return status;
  return VisitCheckpoint(frozen, visit);
}

}  // namespace ackwire
