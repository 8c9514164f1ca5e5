#include "store/forgetter.h"

#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "store/base.h"
#include "store/derived_rows.h"
#include "store/failures.h"
#include "store/keys.h"
#include "store/record.h"

namespace ackwire {
namespace {

constexpr std::string_view kForgetting = "forgetting/";
constexpr std::string_view kDropped = "forgotten/";
// Names of clients were in `meta`, and may still be in its tables.
const std::string kNamesWereHere = "forgotten";

constexpr std::size_t kEraseBytes = 1ULL << 20U;

std::string KeyOfDropped(EventId at) { return std::string(kDropped) + keys::U64(at.value); }

StatusOr<std::vector<ForgottenClient>> ReadKind(const Database& database, std::string_view prefix) {
  std::vector<ForgottenClient> all;
  const auto row = database.NewIterator(Family::kMeta, Database::Range::Beginning(prefix));
  for (; row->Valid(); row->Next()) {
    const auto at = keys::ParseU64(row->key().ToStringView().substr(prefix.size()));
    if (at) all.push_back({row->value().ToString(), {*at}});
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read who is to be forgotten");
  return all;
}

// The keys of one client in `ledger`, `parked`, `failures` and `history`.
Database::Range KeysOfClient(const std::string& client) {
  return {keys::Ledger(client, {}), keys::LedgerEnd(client)};
}

Database::Range ListOfClient(const std::string& client) {
  const std::string list = keys::FailuresOfClient(client);
  return {keys::Listed(list, {}), keys::Listed(list, {~std::uint64_t{0}})};
}

// Of a ledger row; none when it is damaged.
std::optional<EventId> AsOf(ChannelId channel, std::string_view value) {
  store::ClientRow client;
  store::LedgerRow entry;
  const bool of_client = channel.value == 0;
  const Status status = of_client ? record::OpenInto(value, "ledger", client)
                                  : record::OpenInto(value, "ledger", entry);
  if (!status.ok()) return std::nullopt;
  return EventId{of_client ? client.as_of() : entry.as_of()};
}

}  // namespace

bool Forgetter::IsKey(std::string_view key) {
  return key.starts_with(kForgetting) || key.starts_with(kDropped);
}

std::string Forgetter::KeyOf(EventId at) { return std::string(kForgetting) + keys::U64(at.value); }

StatusOr<std::vector<ForgottenClient>> Forgetter::Read(const Database& database) {
  StatusOr<std::vector<ForgottenClient>> all = ReadKind(database, kForgetting);
  if (!all.ok()) return all;
  const StatusOr<std::vector<ForgottenClient>> dropped = ReadKind(database, kDropped);
  if (!dropped.ok()) return dropped;
  // One that was forgotten twice has the pseudonym of the first time where that was.
  all->insert(all->end(), dropped->begin(), dropped->end());
  std::sort(all->begin(), all->end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return all;
}

bool IsRowOf(const ForgottenClient& forgotten, Family family, std::string_view key,
             std::string_view value) {
  if (family == Family::kLedger) {
    const auto parsed = keys::ParseLedger(key);
    if (!parsed || parsed->client != forgotten.client) return false;
    const auto as_of = AsOf(parsed->channel, value);
    return as_of && *as_of <= forgotten.at;
  }
  if (family == Family::kFailures && keys::IsListed(key)) {
    const auto number = keys::ParseListed(keys::FailuresOfClient(forgotten.client), key);
    return number && *number <= forgotten.at.number();
  }
  if (family != Family::kFailures && family != Family::kHistory && family != Family::kParked) {
    return false;
  }
  const auto parsed = keys::ParseNumbered(key);
  if (!parsed || parsed->client != forgotten.client) return false;
  const auto event = family == Family::kFailures ? parsed->number : keys::ParseU64(value);
  return event && *event <= forgotten.at.value;
}

StatusOr<bool> Forgetter::DropRows() {
  if (!due_.exchange(false)) return false;
  const StatusOr<std::vector<ForgottenClient>> all = ReadKind(database_, kForgetting);
  if (!all.ok()) return all.status();
  const StatusOr<store::DerivedCheckpoint> checkpoint = ReadCheckpoint(database_);
  if (!checkpoint.ok()) return checkpoint.status();
  bool dropped = false;
  for (const ForgottenClient& forgotten : *all) {
    if (forgotten.at.number().value > checkpoint->journal_number()) {
      due_ = true;
      continue;
    }
    const Status status = DropRowsOf(forgotten);
    // What is damaged stays, and is noted: a recovery makes these rows anew, without the client.
    if (!status.ok() && status.code() != StatusCode::kDataLoss) return status;
    dropped = dropped || status.ok();
  }
  return dropped;
}

Status Forgetter::DropRowsOf(const ForgottenClient& forgotten) {
  const Database::Range rows = KeysOfClient(forgotten.client);
  const std::pair<Family, Database::Range> parts[] = {
      {Family::kLedger, rows},
      {Family::kParked, rows},
      {Family::kHistory, rows},
      {Family::kFailures, rows},
      {Family::kFailures, ListOfClient(forgotten.client)}};
  rocksdb::WriteBatch batch;
  for (const auto& [family, range] : parts) {
    const auto row = database_.NewIterator(family, range);
    for (; row->Valid(); row->Next()) {
      if (!IsRowOf(forgotten, family, row->key().ToStringView(), row->value().ToStringView())) {
        continue;
      }
      batch.Delete(database_.handle(family), row->key());
      if (batch.GetDataSize() < kEraseBytes) continue;
      if (Status status = database_.Write(batch, Sync::kNo); !status.ok()) return status;
      batch.Clear();
    }
    if (!row->status().ok()) {
      return FromRocks(row->status(), "read what is on record of a client to be forgotten");
    }
  }
  if (Status status = EraseFromBase(*database_.Base(), forgotten, batch); !status.ok()) {
    return status;
  }
  batch.Delete(database_.handle(Family::kMeta), KeyOf(forgotten.at));
  batch.Put(database_.handle(Family::kMeta), KeyOfDropped(forgotten.at), forgotten.client);
  return database_.Write(batch, Sync::kNo);
}

Status Forgetter::EraseJournal(std::atomic<bool>& stopping) {
  const StatusOr<std::vector<ForgottenClient>> all = ReadKind(database_, kDropped);
  if (!all.ok()) return all.status();
  for (const ForgottenClient& forgotten : *all) {
    if (Status status = Rewrite(forgotten, stopping); !status.ok()) return status;
    if (stopping) return OkStatus();
    if (Status status = Merge(forgotten, stopping); !status.ok()) return status;
    rocksdb::WriteBatch done;
    done.Delete(database_.handle(Family::kMeta), KeyOfDropped(forgotten.at));
    done.Put(database_.handle(Family::kMeta), kNamesWereHere, "");
    if (Status status = database_.Write(done, Sync::kNo); !status.ok()) return status;
  }
  const auto names = database_.Get(Family::kMeta, kNamesWereHere);
  if (!names.ok()) return names.status();
  if (!names->has_value()) return OkStatus();
  if (Status status = database_.Flush(); !status.ok()) return status;
  if (Status status = database_.Merge(Family::kMeta, {}, stopping); !status.ok()) return status;
  rocksdb::WriteBatch done;
  done.Delete(database_.handle(Family::kMeta), kNamesWereHere);
  return database_.Write(done, Sync::kNo);
}

Status Forgetter::Rewrite(const ForgottenClient& forgotten, std::atomic<bool>& stopping) {
  rocksdb::WriteBatch batch;
  const auto row = database_.NewIterator(Family::kJournal,
                                         {"", keys::Journal({forgotten.at.number().value + 1})},
                                         Database::Reading::kWalk);
  for (; row->Valid() && !stopping; row->Next()) {
    // Most records are of others.
    if (!record::Contains(row->value().ToStringView(), forgotten.client)) continue;
    const auto number = keys::ParseJournal(row->key().ToStringView());
    store::JournalRecord before;
    if (!number || !record::OpenInto(row->value().ToStringView(), "", before).ok()) continue;
    store::JournalRecord after = before;
    if (!EraseClient(forgotten, *number, after)) continue;
    batch.Put(database_.handle(Family::kJournal), row->key(), record::Seal(after));
    for (const std::string& key : ListedNoMore(*number, before, after)) {
      batch.Delete(database_.handle(Family::kFailures), key);
    }
    if (batch.GetDataSize() < kEraseBytes) continue;
    if (Status status = database_.Write(batch, Sync::kNo); !status.ok()) return status;
    batch.Clear();
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal");
  return database_.Write(batch, Sync::kNo);
}

Status Forgetter::Merge(const ForgottenClient& forgotten, std::atomic<bool>& stopping) {
  // Only what is flushed can be merged with what it replaces.
  if (Status status = database_.Flush(); !status.ok()) return status;
  const Database::Range rows = KeysOfClient(forgotten.client);
  std::vector<std::pair<Family, Database::Range>> parts = {
      {Family::kLedger, rows},
      {Family::kParked, rows},
      {Family::kHistory, rows},
      {Family::kFailures, rows},
      {Family::kFailures, ListOfClient(forgotten.client)},
      {Family::kReplays, {}},
      {Family::kMembers, {}},
      {Family::kBaseLedger, rows},
      {Family::kBaseParked, rows},
      {Family::kBaseReplays, {}},
      {Family::kBaseMembers, {}},
      // All of it: nothing says which records were written again before a stop or a failure.
      {Family::kJournal, {"", keys::Journal(forgotten.at.number())}}};
  for (const auto& [family, range] : parts) {
    if (Status status = database_.Merge(family, range, stopping); !status.ok()) return status;
  }
  return OkStatus();
}

}  // namespace ackwire
