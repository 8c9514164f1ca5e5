#include "store/ledger_salvage.h"

#include <rocksdb/iterator.h>

#include <algorithm>

#include "store/forgetter.h"
#include "store/keys.h"
#include "store/ledger_entry.h"
#include "store/record.h"

namespace ackwire {
namespace {

constexpr int kEventsOfRecord = 5000;

store::Event EventOf(const std::string& client, Timestamp at) {
  store::Event event;
  event.set_client(client);
  event.set_at_ms(ToUnixMs(at));
  return event;
}

}  // namespace

LedgerSalvage::LedgerSalvage(const Sources& sources, const LedgerReader& folded,
                             const Derived& derived)
    : salvaged_(sources.salvaged),
      hints_(sources.hints),
      forgotten_(sources.forgotten),
      folded_(folded),
      derived_(derived),
      row_(salvaged_.NewIterator(Family::kLedger, {})) {}

StatusOr<store::JournalRecord> LedgerSalvage::Next() {
  store::JournalRecord record;
  for (; row_->Valid() && record.events_size() < kEventsOfRecord; row_->Next()) {
    const auto key = keys::ParseLedger(row_->key().ToStringView());
    if (!key) continue;
    const std::string_view value = row_->value().ToStringView();
    const bool is_forgotten =
        std::any_of(forgotten_.begin(), forgotten_.end(), [&](const ForgottenClient& forgotten) {
          return IsRowOf(forgotten, Family::kLedger, row_->key().ToStringView(), value);
        });
    if (is_forgotten) continue;
    const Status status = key->channel.value == 0
                              ? AddClient(key->client, value, record)
                              : AddEntry(key->client, key->channel, value, record);
    if (!status.ok()) return status;
  }
  if (!row_->status().ok()) return FromRocks(row_->status(), "read the salvaged ledger");
  return record;
}

Status LedgerSalvage::AddClient(const std::string& client, std::string_view value,
                                store::JournalRecord& out) {
  store::ClientRow row;
  if (!record::OpenInto(value, "", row).ok()) return OkStatus();  // it says nothing any more
  const StatusOr<ClientState> folded = folded_.Client(client);
  if (!folded.ok()) return folded.status();
  if (!folded->known) {
    store::Event event = EventOf(client, FromUnixMs(row.last_seen_at_ms()));
    event.mutable_session_opened();
    *out.add_events() = std::move(event);
  }
  if (row.paused() != folded->paused && row.as_of() > folded->as_of.value) {
    store::Event event = EventOf(client, FromUnixMs(row.paused_at_ms()));
    event.mutable_client_paused()->set_paused(row.paused());
    event.mutable_client_paused()->set_note(row.pause_note());
    *out.add_events() = std::move(event);
  }
  return OkStatus();
}

Status LedgerSalvage::AddEntry(const std::string& client, ChannelId channel, std::string_view value,
                               store::JournalRecord& out) {
  store::LedgerRow row;
  if (!record::OpenInto(value, "", row).ok()) return OkStatus();
  const LedgerEntry stored = LedgerEntry::FromRow(row);
  StatusOr<LedgerEntry> folded = folded_.Entry(client, channel);
  if (!folded.ok()) return folded.status();
  const bool newer = stored.as_of() > folded->as_of();
  if (stored.subscribed() && !folded->subscribed() && newer) {
    store::Event event = EventOf(client, stored.created_at());
    event.mutable_subscribed()->set_channel(channel.value);
    event.mutable_subscribed()->set_channel_name(hints_.NameOf(channel));
    event.mutable_subscribed()->set_start(stored.start().value);
    *out.add_events() = std::move(event);
    return AddSettled(client, channel, stored, LedgerEntry(stored.start(), stored.created_at()),
                      out);
  }
  if (!stored.subscribed() && folded->subscribed() && newer) {
    store::Event event = EventOf(client, folded->created_at());
    event.mutable_unsubscribed()->set_channel(channel.value);
    *out.add_events() = std::move(event);
    return OkStatus();
  }
  const bool same =
      stored.subscribed() && folded->subscribed() && stored.created_at() == folded->created_at();
  return same ? AddSettled(client, channel, stored, *folded, out) : OkStatus();
}

// What is settled in the row and not in the fold was settled by a lost record. Which way, only the
// parked ones tell, by their own rows. Such a row may be an old one, of what was acknowledged
// since: it is parked again. If fewer of them are left than the ledger's row counts, one that is
// lost may be that of any of the others, and these are owed.
Status LedgerSalvage::AddSettled(const std::string& client, ChannelId channel,
                                 const LedgerEntry& stored, const LedgerEntry& folded,
                                 store::JournalRecord& out) {
  SeqRuns settled;
  SeqRuns parked;
  std::uint64_t parked_found = 0;
  if (Status status = CountParked(client, channel, folded, parked_found); !status.ok()) {
    return status;
  }
  // Nothing above is settled in the row.
  const Seq highest =
      stored.settled().empty() ? stored.floor() : stored.settled().runs().back().last;
  const Seq last_seq = std::min(highest, derived_.LastOf(channel));
  const SeqRuns undelivered = folded.UndeliveredRuns(last_seq);
  for (const SeqRun& run : undelivered.runs()) {
    for (Seq seq = run.first; seq <= std::min(run.last, last_seq); ++seq.value) {
      if (!stored.IsSettled(seq)) continue;
      StatusOr<bool> is_parked = false;
      if (stored.parked() > 0) is_parked = HasParkedRow(client, channel, seq);
      if (!is_parked.ok()) return is_parked.status();
      (*is_parked ? parked : settled).Add({seq, seq});
    }
  }
  for (const SeqRun& run : parked.runs()) {
    for (Seq seq = run.first; seq <= run.last; ++seq.value) {
      store::Event event = EventOf(client, stored.created_at());
      event.mutable_parked()->set_channel(channel.value);
      event.mutable_parked()->set_seq(seq.value);
      event.mutable_parked()->set_detail("the record that says why is lost");
      *out.add_events() = std::move(event);
    }
  }
  if (settled.empty() || parked_found + parked.count() < stored.parked()) return OkStatus();
  store::Event acked = EventOf(client, stored.created_at());
  auto& part = *acked.mutable_acked()->add_channels();
  part.set_channel(channel.value);
  for (const SeqRun& run : settled.runs()) {
    auto* added = part.add_runs();
    added->set_first(run.first.value);
    added->set_last(run.last.value);
  }
  *out.add_events() = std::move(acked);
  return OkStatus();
}

Status LedgerSalvage::CountParked(const std::string& client, ChannelId channel,
                                  const LedgerEntry& folded, std::uint64_t& found) const {
  found = 0;
  if (folded.parked() == 0) return OkStatus();
  const StatusOr<std::vector<Seq>> seqs = folded_.ParkedSeqs(client, channel);
  if (!seqs.ok()) return seqs.status();
  for (const Seq seq : *seqs) {
    const StatusOr<bool> is_parked = HasParkedRow(client, channel, seq);
    if (!is_parked.ok()) return is_parked.status();
    if (*is_parked) ++found;
  }
  return OkStatus();
}

StatusOr<bool> LedgerSalvage::HasParkedRow(const std::string& client, ChannelId channel,
                                           Seq seq) const {
  const auto row = salvaged_.Get(Family::kParked, keys::Numbered(client, channel, seq.value));
  if (!row.ok()) return row.status();
  return row->has_value();
}

}  // namespace ackwire
