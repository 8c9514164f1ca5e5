#include "store/derived_writer.h"

#include <rocksdb/write_batch.h>

#include <algorithm>

#include "store/ledger_fold.h"
#include "store/record.h"

namespace ackwire {
namespace {

constexpr int kBatchRowsMax = 4096;

// Gathers rows and writes them a batch at a time, so that the writer thread's own batches get their
// turn in RocksDB's queue in between.
class RowWriter {
 public:
  explicit RowWriter(Database& database) : database_(database) {}

  [[nodiscard]] Status Put(Family family, const std::string& key,
                           const std::optional<std::string>& value) {
    if (value) {
      batch_.Put(database_.handle(family), key, *value);
    } else {
      batch_.Delete(database_.handle(family), key);
    }
    return batch_.Count() < kBatchRowsMax ? OkStatus() : Flush();
  }

  // Not synced: the checkpoint is not either, and what is lost is folded again.
  [[nodiscard]] Status Flush() {
    Status status = database_.Write(batch_, Sync::kNo);
    batch_.Clear();
    return status;
  }

 private:
  Database& database_;
  rocksdb::WriteBatch batch_;
};

template <typename Map>
auto SortedKeys(const Map& map) {
  std::vector<typename Map::key_type> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

store::ClientRow RowOf(const ClientState& state) {
  store::ClientRow row;
  row.set_last_seen_at_ms(ToUnixMs(state.last_seen_at));
  row.set_disconnects(state.disconnects);
  row.set_subscriptions(state.subscriptions);
  row.set_as_of(state.as_of.value);
  return row;
}

}  // namespace

Status DerivedWriter::Step() {
  if (!frozen_) frozen_ = derived_.Freeze();
  if (!frozen_) return OkStatus();
  if (Status status = WriteRows(*frozen_->tail); !status.ok()) return status;
  if (Status status = WriteLedger(*frozen_->tail); !status.ok()) return status;
  if (Status status = WriteCheckpoint(*frozen_); !status.ok()) return status;
  frozen_.reset();
  derived_.DropFrozen();
  return OkStatus();
}

Status DerivedWriter::WriteRows(const Tail& tail) {
  RowWriter rows(database_);
  for (const ChannelId channel : SortedKeys(tail.index())) {
    const Tail::ChannelPositions& part = tail.index().at(channel);
    Seq seq = part.first;
    for (const Position position : part.positions) {
      Status status =
          rows.Put(Family::kIndex, keys::Index(channel, seq), keys::U64(position.value));
      if (!status.ok()) return status;
      ++seq.value;
    }
  }
  for (const Tail::IdKey& id : SortedKeys(tail.ids())) {
    Status status =
        rows.Put(Family::kIds, keys::Ids(id.first, id.second), keys::U64(tail.ids().at(id).value));
    if (!status.ok()) return status;
  }
  for (const auto& [family, family_rows] : tail.all_rows()) {
    for (const auto& [key, value] : family_rows) {
      if (Status status = rows.Put(family, key, value); !status.ok()) return status;
    }
  }
  return rows.Flush();
}

Status DerivedWriter::WriteLedger(const Tail& tail) {
  RowWriter rows(database_);
  for (const auto& [key, events] : tail.ledger()) {
    const keys::LedgerKey parsed = *keys::ParseLedger(key);
    const auto stored = database_.Get(Family::kLedger, key);
    if (!stored.ok()) return stored.status();
    std::optional<std::string> value;
    if (parsed.channel.value == 0) {
      const StatusOr<ClientState> state = FoldClient(parsed.client, *stored, events);
      if (!state.ok()) return state.status();
      value = record::Seal(RowOf(*state));
    } else {
      // An entry that was unsubscribed keeps a row, for as_of: without it, folding again after a
      // crash would bring the old subscription back.
      const StatusOr<LedgerEntry> entry = FoldLedger(parsed, *stored, events);
      if (!entry.ok()) return entry.status();
      value = record::Seal(entry->ToRow());
    }
    if (Status status = rows.Put(Family::kLedger, key, value); !status.ok()) return status;
  }
  return rows.Flush();
}

Status DerivedWriter::WriteCheckpoint(const FrozenTail& frozen) {
  rocksdb::WriteBatch batch;
  for (const ChannelInfo& channel : frozen.channels) {
    store::ChannelRow row;
    row.set_id(channel.id.value);
    row.set_first_seq(channel.first.value);
    row.set_last_seq(channel.last.value);
    row.set_subscriptions(channel.subscriptions);
    row.set_last_published_at_ms(ToUnixMs(channel.last_published_at));
    batch.Put(database_.handle(Family::kChannels), channel.name, record::Seal(row));
  }
  store::DerivedCheckpoint checkpoint;
  checkpoint.set_position(frozen.tail->last_position().value);
  checkpoint.set_journal_number(frozen.last_number.value);
  checkpoint.set_undelivered(frozen.totals.undelivered);
  checkpoint.set_parked(frozen.totals.parked);
  checkpoint.set_clients(frozen.totals.clients);
  batch.Put(database_.handle(Family::kMeta), meta::kDerived, record::Seal(checkpoint));
  return database_.Write(batch, Sync::kNo);
}

}  // namespace ackwire
