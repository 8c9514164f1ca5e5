#include "store/row_sums.h"

#include <rocksdb/iterator.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/channel_rows.h"
#include "store/derived_rows.h"
#include "store/keys.h"
#include "store/ledger_entry.h"
#include "store/record.h"
#include "store/replay_rows.h"

namespace ackwire {
namespace {

Status Differs(const std::string& what, std::uint64_t counted, std::uint64_t said) {
  if (counted == said) return OkStatus();
  return Error(StatusCode::kDataLoss, "there are " + std::to_string(counted) + " " + what +
                                          ", not " + std::to_string(said) +
                                          " as is said elsewhere");
}

// The members of a channel, in any order.
struct Members {
  std::uint64_t count = 0;
  std::size_t names = 0;  // their hashes, xored
  void Add(std::string_view client) {
    ++count;
    names ^= std::hash<std::string_view>{}(client);
  }
};

class RowSums {
 public:
  explicit RowSums(const Database& folded)
      : folded_(folded), parked_rows_(folded.NewIterator(Family::kParked, {}, kWalk)) {}

  Status Check() {
    for (const auto step : {&RowSums::ReadAll, &RowSums::CheckLedger, &RowSums::CheckMembers,
                            &RowSums::CheckReplays, &RowSums::CheckTotals}) {
      if (Status status = (this->*step)(); !status.ok()) return status;
    }
    return OkStatus();
  }

 private:
  static constexpr auto kWalk = Database::Reading::kWalk;

  Status ReadAll() {
    StatusOr<store::DerivedCheckpoint> checkpoint = ReadCheckpoint(folded_);
    if (!checkpoint.ok()) return checkpoint.status();
    said_ = *std::move(checkpoint);
    StatusOr<std::vector<ChannelInfo>> channels = ReadChannels(folded_);
    if (!channels.ok()) return channels.status();
    channels_ = *std::move(channels);
    members_.resize(channels_.size());
    return OkStatus();
  }

  Status CheckLedger() {
    const auto row = folded_.NewIterator(Family::kLedger, {}, kWalk);
    for (; row->Valid(); row->Next()) {
      const auto key = keys::ParseLedger(row->key().ToStringView());
      if (!key) return Error(StatusCode::kDataLoss, "ledger: a key that is none");
      Status status = key->channel.value == 0 ? AddClient(*key, row->value().ToStringView())
                                              : AddEntry(*key, row->value().ToStringView());
      if (!status.ok()) return status;
    }
    if (!row->status().ok()) return FromRocks(row->status(), "read the ledger");
    if (parked_rows_->Valid()) {
      return Error(StatusCode::kDataLoss, "parked: a row of what is not parked in the ledger");
    }
    if (!parked_rows_->status().ok())
      return FromRocks(parked_rows_->status(), "read what is parked");
    return EndClient();
  }

  Status AddClient(const keys::LedgerKey& key, std::string_view value) {
    if (Status status = EndClient(); !status.ok()) return status;
    store::ClientRow row;
    const std::string name = "the row of client " + key.client;
    if (Status status = record::OpenInto(value, name, row); !status.ok()) return status;
    client_ = key.client;
    subscriptions_said_ = row.subscriptions();
    ++clients_;
    return NotLater(name, EventId{row.as_of()});
  }

  // The rows of a client's subscriptions follow its own.
  Status EndClient() {
    Status status =
        Differs("subscriptions of client " + client_, subscriptions_, subscriptions_said_);
    client_.clear();
    subscriptions_ = subscriptions_said_ = 0;
    return status;
  }

  Status AddEntry(const keys::LedgerKey& key, std::string_view value) {
    const std::string of =
        " of client " + key.client + ", channel number " + std::to_string(key.channel.value);
    store::LedgerRow row;
    if (Status status = record::OpenInto(value, "the row" + of, row); !status.ok()) return status;
    const LedgerEntry entry = LedgerEntry::FromRow(row);
    if (Status status = NotLater("the row" + of, entry.as_of()); !status.ok()) return status;
    if (key.client != client_ || key.channel.value > channels_.size()) {
      return Error(StatusCode::kDataLoss,
                   "there is a row" + of + ", but no such client or channel");
    }
    if (entry.subscribed()) {
      ++subscriptions_;
      undelivered_ += entry.Undelivered(channels_[key.channel.value - 1].last);
      members_[key.channel.value - 1].Add(key.client);
    }
    parked_ += entry.parked();
    return CountParked(keys::Ledger(key.client, key.channel), of, entry.parked());
  }

  // Rows of what is parked are in the order of the ledger's.
  Status CountParked(const std::string& prefix, const std::string& of, std::uint64_t said) {
    std::uint64_t rows = 0;
    for (; parked_rows_->Valid() && parked_rows_->key().starts_with(prefix); parked_rows_->Next()) {
      ++rows;
      const EventId by{keys::ParseU64(parked_rows_->value().ToStringView()).value_or(0)};
      if (Status status = NotLater("what is parked" + of, by); !status.ok()) return status;
    }
    return Differs("parked deliveries" + of, rows, said);
  }

  Status CheckMembers() {
    std::vector<Members> of_rows(channels_.size());
    const auto row = folded_.NewIterator(Family::kMembers, {}, kWalk);
    for (; row->Valid(); row->Next()) {
      const auto key = keys::ParseMembers(row->key().ToStringView());
      if (!key || key->channel.value == 0 || key->channel.value > channels_.size()) {
        return Error(StatusCode::kDataLoss, "members: a row of a channel that is not there");
      }
      of_rows[key->channel.value - 1].Add(key->client);
    }
    if (!row->status().ok()) return FromRocks(row->status(), "read the members");
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      const std::string& name = channels_[i].name;
      Status status = Differs("subscriptions to channel " + name, members_[i].count,
                              channels_[i].subscriptions);
      if (!status.ok()) return status;
      status = Differs("member rows of channel " + name, of_rows[i].count, members_[i].count);
      if (!status.ok()) return status;
      if (of_rows[i].names != members_[i].names) {
        return Error(StatusCode::kDataLoss, "the members of channel " + name + " are others");
      }
    }
    return OkStatus();
  }

  Status CheckReplays() {
    const StatusOr<ReplayTable> replays = ReadReplays(folded_);
    if (!replays.ok()) return replays.status();
    for (const auto& [id, info] : replays->all()) {
      const std::string name = "replay " + std::to_string(id.value);
      if (Status status = NotLater(name, info.as_of); !status.ok()) return status;
      if (info.ended_at) continue;
      std::uint64_t open = 0;
      for (const auto& [pair, runs] : replays->OpenOf(id)) open += runs.count();
      Status status = Differs("open deliveries of " + name, open, info.open());
      if (!status.ok()) return status;
    }
    return OkStatus();
  }

  Status CheckTotals() {
    Status status = Differs("clients", clients_, said_.clients());
    if (status.ok()) status = Differs("undelivered messages", undelivered_, said_.undelivered());
    if (status.ok()) status = Differs("parked deliveries", parked_, said_.parked());
    return status;
  }

  Status NotLater(const std::string& what, EventId as_of) const {
    if (as_of.number().value <= said_.journal_number()) return OkStatus();
    return Error(StatusCode::kDataLoss,
                 what + " is of journal record " + std::to_string(as_of.number().value) +
                     ", later than the checkpoint at " + std::to_string(said_.journal_number()));
  }

  const Database& folded_;
  const std::unique_ptr<rocksdb::Iterator> parked_rows_;  // up to where the ledger was read
  store::DerivedCheckpoint said_;
  std::vector<ChannelInfo> channels_;  // at the index of their id, less one
  std::vector<Members> members_;       // likewise, as the ledger has them
  // The client whose rows are read.
  std::string client_;
  std::uint64_t subscriptions_ = 0;
  std::uint64_t subscriptions_said_ = 0;
  std::uint64_t clients_ = 0;
  std::uint64_t undelivered_ = 0;
  std::uint64_t parked_ = 0;
};

}  // namespace

Status CheckRowSums(const Database& folded) { return RowSums(folded).Check(); }

}  // namespace ackwire
