#include "store/base.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <map>
#include <string>
#include <utility>

#include "store/channel_rows.h"
#include "store/derived_rows.h"
#include "store/forgetter.h"
#include "store/keys.h"
#include "store/ledger_entry.h"
#include "store/record.h"
#include "store/replay_rows.h"

namespace ackwire {
namespace {

constexpr std::array kOfBase = {
    std::pair{Family::kMeta, Family::kBaseMeta},
    std::pair{Family::kChannels, Family::kBaseChannels},
    std::pair{Family::kLedger, Family::kBaseLedger},
    std::pair{Family::kMembers, Family::kBaseMembers},
    std::pair{Family::kParked, Family::kBaseParked},
    std::pair{Family::kReplays, Family::kBaseReplays},
};

// Those whose values stand behind a checksum.
bool IsSealed(Family family) { return family != Family::kMembers && family != Family::kParked; }

Status CopyFamily(const Database& base, Family family, Database& into) {
  constexpr int kBatchRows = 1000;
  rocksdb::WriteBatch batch;
  Database::Range range;
  if (family == Family::kMeta) {
    range = Database::Range::Beginning(meta::kDerived);
  } else {
    batch.DeleteRange(into.handle(family), "", "\xff");  // before which all keys come
  }
  const auto row = base.NewIterator(family, range, Database::Reading::kWalk);
  for (; row->Valid(); row->Next()) {
    if (IsSealed(family)) {
      const auto whole = record::Open(row->value().ToStringView(),
                                      std::string("a row of the base's ") + NameOf(family));
      if (!whole.ok()) return whole.status();
    }
    batch.Put(into.handle(family), row->key(), row->value());
    if (batch.Count() < kBatchRows) continue;
    if (Status status = into.Write(batch, Sync::kNo); !status.ok()) return status;
    batch.Clear();
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal's base");
  return into.Write(batch, Sync::kNo);
}

// Takes one client out of the base's rows.
class Erasing {
 public:
  Erasing(const Database& base, const ForgottenClient& forgotten, rocksdb::WriteBatch& batch)
      : base_(base), forgotten_(forgotten), batch_(batch) {}

  Status Run() {
    StatusOr<store::DerivedCheckpoint> sums = ReadCheckpoint(base_);
    if (!sums.ok()) return sums.status();
    sums_ = *std::move(sums);
    if (sums_.journal_number() == 0) return OkStatus();
    for (const auto step : {&Erasing::EraseLedger, &Erasing::EraseParked, &Erasing::EraseReplays}) {
      if (Status status = (this->*step)(); !status.ok()) return status;
    }
    if (changed_) batch_.Put(base_.handle(Family::kMeta), meta::kDerived, record::Seal(sums_));
    return OkStatus();
  }

 private:
  template <typename Each>
  Status ForEachOf(Family family, const Each& each) {
    const auto row = base_.NewIterator(
        family, {keys::Ledger(forgotten_.client, {}), keys::LedgerEnd(forgotten_.client)});
    for (; row->Valid(); row->Next()) {
      const std::string_view key = row->key().ToStringView();
      const std::string_view value = row->value().ToStringView();
      if (!IsRowOf(forgotten_, family, key, value)) continue;
      changed_ = true;
      batch_.Delete(base_.handle(family), row->key());
      if (Status status = each(key, value); !status.ok()) return status;
    }
    return FromRocks(row->status(), "read the journal's base");
  }

  Status EraseLedger() {
    std::map<ChannelId, LedgerEntry> entries;
    Status status =
        ForEachOf(Family::kLedger, [&](std::string_view key, std::string_view value) -> Status {
          const ChannelId channel = keys::ParseLedger(key)->channel;
          if (channel.value == 0) {
            sums_.set_clients(sums_.clients() - 1);
            return OkStatus();
          }
          store::LedgerRow row;
          if (Status read = record::OpenInto(value, "ledger", row); !read.ok()) return read;
          entries[channel] = LedgerEntry::FromRow(row);
          return OkStatus();
        });
    std::erase_if(entries, [](const auto& each) { return !each.second.subscribed(); });
    if (!status.ok() || entries.empty()) return status;
    StatusOr<std::vector<ChannelInfo>> channels = ReadChannels(base_);
    if (!channels.ok()) return channels.status();
    for (const auto& [id, entry] : entries) {
      if (id.value > channels->size()) {
        return Error(StatusCode::kDataLoss,
                     "the journal's base lacks channel number " + std::to_string(id.value));
      }
      ChannelInfo& channel = channels->at(id.value - 1);
      --channel.subscriptions;
      sums_.set_undelivered(sums_.undelivered() - entry.Undelivered(channel.last));
      sums_.set_parked(sums_.parked() - entry.parked());
      batch_.Put(base_.handle(Family::kChannels), channel.name, MakeChannelRow(channel));
      batch_.Delete(base_.handle(Family::kMembers), keys::Members(id, forgotten_.client));
    }
    return OkStatus();
  }

  Status EraseParked() {
    return ForEachOf(Family::kParked,
                     [](std::string_view, std::string_view) { return OkStatus(); });
  }

  // As EraseClient: what it was to get stands under a name that no client can have.
  Status EraseReplays() {
    const StatusOr<ReplayTable> replays = ReadReplays(base_);
    if (!replays.ok()) return replays.status();
    ReplayTable::Changes changes;
    for (const auto& [id, found] : replays->all()) {
      if (id.value > forgotten_.at.value) break;
      ReplayInfo info = found;
      if (EraseFromSelection(forgotten_, info.started)) changes.replays.push_back(info);
      for (const auto& [pair, runs] : replays->OpenOf(id)) {
        if (pair.first != forgotten_.client) continue;
        changes.open[id][pair] = {};
        changes.open[id][{PseudonymOf(forgotten_.at), pair.second}] = runs;
      }
    }
    return VisitReplays(changes, [this](Family family, const std::string& key,
                                        const std::optional<std::string>& value) {
      if (value) {
        batch_.Put(base_.handle(family), key, *value);
      } else {
        batch_.Delete(base_.handle(family), key);
      }
      return OkStatus();
    });
  }

  const Database& base_;
  const ForgottenClient& forgotten_;
  rocksdb::WriteBatch& batch_;
  store::DerivedCheckpoint sums_;
  bool changed_ = false;
};

}  // namespace

std::unique_ptr<Database> Database::Base() const {
  std::unique_ptr<Database> base(new Database(directory_, durability_));
  base->damage_ = damage_;
  base->background_ = background_;
  base->db_ = db_;
  base->epoch_ = epoch_;
  for (const Family family : {Family::kLog, Family::kOutbox, Family::kJournal}) {
    base->handles_[static_cast<std::size_t>(family)] = handle(family);
  }
  for (const auto& [derived, of_base] : kOfBase) {
    base->handles_[static_cast<std::size_t>(derived)] = handle(of_base);
  }
  return base;
}

StatusOr<FoldPoint> BasePoint(const Database& database) {
  const StatusOr<store::DerivedCheckpoint> checkpoint = ReadCheckpoint(*database.Base());
  if (!checkpoint.ok()) return checkpoint.status();
  return FoldPoint{{checkpoint->position()}, {checkpoint->journal_number()}};
}

StatusOr<std::uint64_t> JournalBytesAfter(const Database& database, JournalNumber number) {
  const std::string from = keys::Journal({number.value + 1});
  const std::string to = keys::Journal({~std::uint64_t{0}});
  const rocksdb::Range range(from, to);
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  std::uint64_t bytes = 0;
  const rocksdb::Status status = database.rocks().GetApproximateSizes(
      options, database.handle(Family::kJournal), &range, 1, &bytes);
  if (!status.ok()) return FromRocks(status, "ask how large the journal is");
  return bytes;
}

bool IsBase(const Database& database) {
  return database.handle(Family::kLedger)->GetName() == NameOf(Family::kBaseLedger);
}

bool ListedUpTo(JournalNumber number, Family family, std::string_view key, std::string_view value) {
  std::optional<std::uint64_t> event;
  if (family == Family::kHistory) event = keys::ParseU64(value);
  if (family == Family::kFailures && keys::IsListed(key)) {
    const auto listed = keys::ParseU64(key.substr(key.size() - sizeof(std::uint64_t)));
    return listed && *listed <= number.value;
  }
  if (family == Family::kFailures) {
    const auto parsed = keys::ParseNumbered(key);
    if (parsed) event = parsed->number;
  }
  return event && EventId{*event}.number() <= number;
}

Status CopyBase(const Database& base, Database& into) {
  for (const auto& [family, of_base] : kOfBase) {
    if (Status status = CopyFamily(base, family, into); !status.ok()) return status;
  }
  return OkStatus();
}

Status EraseFromBase(const Database& base, const ForgottenClient& forgotten,
                     rocksdb::WriteBatch& batch) {
  return Erasing(base, forgotten, batch).Run();
}

}  // namespace ackwire
