#include "store/ledger_reader.h"

#include <rocksdb/iterator.h>

#include <algorithm>
#include <set>

#include "store/base.h"
#include "store/difference.h"
#include "store/event_of_record.h"
#include "store/failures.h"
#include "store/keys.h"
#include "store/record.h"

namespace ackwire {
namespace {

// Rows of `members` that are held in memory at once.
constexpr std::size_t kMembersAtOnce = 1024;

template <typename Runs>
bool Covers(const Runs& runs, Seq seq) {
  return std::any_of(runs.begin(), runs.end(), [seq](const auto& run) {
    return run.first() <= seq.value && seq.value <= run.last();
  });
}

template <typename Parts>
bool PartCovers(const Parts& parts, ChannelId channel, Seq seq) {
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
    return part.channel() == channel.value &&
           (Covers(part.runs(), seq) || Covers(part.replayed(), seq));
  });
}

// The range of `client`'s keys for one channel in parked, failures and history.
Database::Range NumberedRange(const std::string& client, ChannelId channel) {
  return {keys::Ledger(client, channel), keys::Ledger(client, {channel.value + 1})};
}

}  // namespace

bool Acknowledges(const store::Event& event, ChannelId channel, Seq seq) {
  const auto& parts = event.acked().channels();
  if (PartCovers(parts, channel, seq)) return true;
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
    const auto& seqs = part.unparked();
    return part.channel() == channel.value &&
           std::find(seqs.begin(), seqs.end(), seq.value) != seqs.end();
  });
}

// Rejected with or without an attempt of its own, a parking names its seq.
bool TellsOfFailure(const store::Event& event, ChannelId channel, Seq seq) {
  if (event.has_parked()) {
    return event.parked().channel() == channel.value && event.parked().seq() == seq.value;
  }
  const Failing failing = FailingOf(event);
  return std::any_of(failing.runs.begin(), failing.runs.end(), [&](const Failing::Run& run) {
    return run.channel == channel && run.seqs.first <= seq && seq <= run.seqs.last;
  });
}

std::vector<TailEvent> LedgerReader::TailEvents(const std::string& key) const {
  return derived_.Read([&](const DerivedView& view) {
    std::vector<TailEvent> events;
    for (const Tail* tail : {view.frozen, &view.active}) {
      if (tail == nullptr) continue;
      const auto found = tail->ledger().find(key);
      if (found == tail->ledger().end()) continue;
      events.insert(events.end(), found->second.begin(), found->second.end());
    }
    return events;
  });
}

StatusOr<ClientState> LedgerReader::Client(const std::string& client) const {
  const std::string key = keys::Ledger(client, {});
  const std::vector<TailEvent> events = TailEvents(key);
  const auto row = database_.Get(Family::kLedger, key);
  if (!row.ok()) return row.status();
  return database_.damage().Noted(FoldClient(client, *row, events));
}

StatusOr<LedgerEntry> LedgerReader::Entry(const std::string& client, ChannelId channel) const {
  const std::string key = keys::Ledger(client, channel);
  const std::vector<TailEvent> events = TailEvents(key);
  const auto row = database_.Get(Family::kLedger, key);
  if (!row.ok()) return row.status();
  return database_.damage().Noted(FoldLedger({client, channel}, *row, events));
}

StatusOr<std::vector<ChannelEntry>> LedgerReader::Entries(const std::string& client) const {
  const Database::Range range{keys::Ledger(client, {1}), keys::LedgerEnd(client)};
  auto found = derived_.Read([&](const DerivedView& view) {
    std::set<std::string> keys;
    for (const Tail* tail : {view.frozen, &view.active}) {
      if (tail == nullptr) continue;
      const auto end = tail->ledger().lower_bound(range.to);
      for (auto at = tail->ledger().lower_bound(range.from); at != end; ++at) {
        keys.insert(at->first);
      }
    }
    return keys;
  });
  const auto row = database_.NewIterator(Family::kLedger, range);
  for (; row->Valid(); row->Next()) found.insert(row->key().ToString());
  if (!row->status().ok()) return FromRocks(row->status(), "read the ledger of " + client);
  std::vector<ChannelEntry> entries;
  for (const std::string& key : found) {
    const auto parsed = keys::ParseLedger(key);
    if (!parsed) return NotAKey("ledger of " + client, key);
    StatusOr<LedgerEntry> entry = Entry(client, parsed->channel);
    if (!entry.ok()) return entry.status();
    if (entry->subscribed()) entries.push_back({parsed->channel, *std::move(entry)});
  }
  return entries;
}

StatusOr<std::string> LedgerReader::NextLedgerKey(const std::string& key) const {
  std::string next = derived_.Read([&](const DerivedView& view) {
    std::string lowest;
    for (const Tail* tail : {view.frozen, &view.active}) {
      if (tail == nullptr) continue;
      const auto at = tail->ledger().lower_bound(key);
      if (at != tail->ledger().end() && (lowest.empty() || at->first < lowest)) lowest = at->first;
    }
    return lowest;
  });
  const auto row = database_.NewIterator(Family::kLedger, {key, {}});
  if (!row->status().ok()) return FromRocks(row->status(), "read the ledger");
  if (row->Valid() && (next.empty() || row->key().ToStringView() < next)) {
    next = row->key().ToString();
  }
  return next;
}

StatusOr<std::vector<std::string>> LedgerReader::Clients(const Page& page) const {
  std::vector<std::string> clients;
  std::string from =
      page.after < page.prefix || page.after.empty() ? page.prefix : keys::LedgerEnd(page.after);
  while (clients.size() < page.limit) {
    StatusOr<std::string> key = NextLedgerKey(from);
    if (!key.ok()) return key.status();
    if (key->empty() || key->compare(0, page.prefix.size(), page.prefix) != 0) break;
    const auto parsed = keys::ParseLedger(*key);
    if (!parsed) return NotAKey("ledger", *key);
    clients.push_back(parsed->client);
    from = keys::LedgerEnd(parsed->client);
  }
  return clients;
}

StatusOr<std::map<std::string, std::string>> LedgerReader::Rows(
    Family family, const Database::Range& range) const {
  const Tail::Rows newer = derived_.TailRows(family, range);
  std::map<std::string, std::string> rows;
  const auto row = database_.NewIterator(family, range);
  for (; row->Valid(); row->Next()) rows[row->key().ToString()] = row->value().ToString();
  if (!row->status().ok()) return FromRocks(row->status(), "read derived rows");
  for (const auto& [key, value] : newer) {
    if (value) {
      rows[key] = *value;
    } else {
      rows.erase(key);
    }
  }
  return rows;
}

StatusOr<LedgerReader::Part> LedgerReader::NextPart(Family family, const Database::Range& range,
                                                    std::size_t limit) const {
  Part part{{}, range.to};
  // A tail gives its first keys: up to the last of those that come first, none is left out.
  std::vector<std::string> keys = derived_.TailKeys(family, range, limit, false);
  if (keys.size() >= limit) {
    std::sort(keys.begin(), keys.end());
    part.next = keys[limit - 1] + '\0';
  }
  const Tail::Rows newer = derived_.TailRows(family, {range.from, part.next});
  const auto row = database_.NewIterator(family, {range.from, part.next});
  for (; row->Valid() && part.rows.size() < limit; row->Next()) {
    part.rows[row->key().ToString()] = row->value().ToString();
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read derived rows");
  if (row->Valid()) part.next = row->key().ToString();
  const auto newer_end = newer.lower_bound(part.next);
  for (auto at = newer.begin(); at != newer_end; ++at) {
    if (at->second) {
      part.rows[at->first] = *at->second;
    } else {
      part.rows.erase(at->first);
    }
  }
  return part;
}

StatusOr<std::vector<std::string>> LedgerReader::Members(ChannelId channel,
                                                         const Page& page) const {
  std::vector<std::string> clients;
  Database::Range range{keys::Members(channel, std::max(page.after, page.prefix)),
                        keys::Members({channel.value + 1}, "")};
  while (range.from < range.to && clients.size() < page.limit) {
    // One more than is missing: the first row may be that of `after`.
    const std::size_t rows_max = std::min(page.limit - clients.size(), kMembersAtOnce) + 1;
    const StatusOr<Part> part = NextPart(Family::kMembers, range, rows_max);
    if (!part.ok()) return part.status();
    for (const auto& [key, value] : part->rows) {
      const auto parsed = keys::ParseMembers(key);
      if (!parsed) continue;  // the channel's own key: no client has the empty name
      if (parsed->client == page.after) continue;
      if (!parsed->client.starts_with(page.prefix) || clients.size() == page.limit) return clients;
      clients.push_back(parsed->client);
    }
    range.from = part->next;
  }
  return clients;
}

StatusOr<std::optional<EventId>> LedgerReader::ParkedBy(const std::string& client,
                                                        ChannelId channel, Seq seq) const {
  const std::string key = keys::Numbered(client, channel, seq.value);
  std::optional<std::string> value;
  if (const auto tail = derived_.TailRow(Family::kParked, key)) {
    value = *tail;
  } else {
    auto row = database_.Get(Family::kParked, key);
    if (!row.ok()) return row.status();
    value = *std::move(row);
  }
  if (!value) return std::optional<EventId>();
  return std::optional<EventId>(EventId{keys::ParseU64(*value).value_or(0)});
}

StatusOr<std::vector<Seq>> LedgerReader::ParkedSeqs(const std::string& client,
                                                    ChannelId channel) const {
  return ParkedSeqs(NumberedRange(client, channel));
}

StatusOr<SeqRuns> LedgerReader::ParkedOf(const std::string& client, ChannelId channel,
                                         SeqRun seqs) const {
  const auto parked = ParkedSeqs({keys::Numbered(client, channel, seqs.first.value),
                                  keys::Numbered(client, channel, seqs.last.value + 1)});
  if (!parked.ok()) return parked.status();
  SeqRuns runs;
  for (const Seq seq : *parked) runs.Add({seq, seq});
  return runs;
}

StatusOr<SeqRuns> LedgerReader::ParkedOf(const std::string& client, ChannelId channel,
                                         const SeqRuns& seqs) const {
  SeqRuns parked;
  for (const SeqRun& run : seqs.runs()) {
    const StatusOr<SeqRuns> found = ParkedOf(client, channel, run);
    if (!found.ok()) return found.status();
    for (const SeqRun& each : found->runs()) parked.Add(each);
  }
  return parked;
}

StatusOr<std::vector<Seq>> LedgerReader::ParkedSeqs(const Database::Range& range) const {
  const auto rows = Rows(Family::kParked, range);
  if (!rows.ok()) return rows.status();
  std::vector<Seq> seqs;
  for (const auto& [key, value] : *rows) {
    if (const auto parsed = keys::ParseNumbered(key)) seqs.push_back({parsed->number});
  }
  return seqs;
}

StatusOr<std::optional<JournalEvent>> LedgerReader::AckOf(const std::string& client,
                                                          ChannelId channel, Seq seq) const {
  // Runs are keyed by their last seq: the first row at or after seq is the only one that can cover.
  const auto id = NextAck(client, channel, seq);
  if (!id.ok()) return id.status();
  if (!*id) return std::optional<JournalEvent>();
  StatusOr<JournalEvent> event = Event(**id);
  if (event.status().code() == StatusCode::kNotFound) return std::optional<JournalEvent>();
  if (!event.ok()) return event.status();
  if (!Acknowledges(event->event, channel, seq)) return std::optional<JournalEvent>();
  return std::optional<JournalEvent>(*std::move(event));
}

StatusOr<std::optional<EventId>> LedgerReader::NextAck(const std::string& client, ChannelId channel,
                                                       Seq seq) const {
  const Database::Range range{keys::Numbered(client, channel, seq.value),
                              keys::Ledger(client, {channel.value + 1})};
  const auto newer = derived_.TailRows(Family::kHistory, range);
  std::optional<std::pair<std::string, std::string>> first;
  if (!newer.empty()) first = {newer.begin()->first, *newer.begin()->second};
  const auto row = database_.NewIterator(Family::kHistory, range);
  if (!row->status().ok()) return FromRocks(row->status(), "read the history");
  if (row->Valid() && (!first || row->key().ToStringView() < first->first)) {
    first = {row->key().ToString(), row->value().ToString()};
  }
  if (!first) return std::optional<EventId>();
  return std::optional<EventId>(EventId{keys::ParseU64(first->second).value_or(0)});
}

StatusOr<SeqRuns> LedgerReader::AckedOf(const std::string& client, ChannelId channel,
                                        SeqRun seqs) const {
  // A run is keyed by its last seq, so the last one that counts may end behind `seqs`.
  const auto rows = Rows(Family::kHistory, {keys::Numbered(client, channel, seqs.first.value),
                                            keys::Numbered(client, channel, seqs.last.value + 1)});
  if (!rows.ok()) return rows.status();
  const auto behind = NextAck(client, channel, {seqs.last.value + 1});
  if (!behind.ok()) return behind.status();
  std::set<EventId> events;  // many runs may be of one
  for (const auto& [key, value] : *rows) events.insert({keys::ParseU64(value).value_or(0)});
  if (*behind) events.insert(**behind);
  SeqRuns acked;
  for (const EventId id : events) {
    const StatusOr<JournalEvent> event = Event(id);
    if (event.status().code() == StatusCode::kNotFound) continue;
    if (!event.ok()) return event.status();
    for (const auto& part : event->event.acked().channels()) {
      if (part.channel() != channel.value) continue;
      for (const auto& run : part.runs()) acked.Add({{run.first()}, {run.last()}});
      for (const auto& run : part.replayed()) acked.Add({{run.first()}, {run.last()}});
      for (const std::uint64_t seq : part.unparked()) acked.Add({{seq}, {seq}});
    }
  }
  if (acked.FirstMissing(seqs.first) > seqs.last) return acked;
  const StatusOr<FoldPoint> base = BasePoint(database_);
  if (!base.ok()) return base.status();
  if (base->number.value == 0) return acked;
  const StatusOr<SeqRuns> others = SettledWithoutRecord(client, channel, seqs);
  if (!others.ok()) return others.status();
  for (const SeqRun& run : others->runs()) acked.Add(run);
  return acked;
}

StatusOr<SeqRuns> LedgerReader::SettledWithoutRecord(const std::string& client, ChannelId channel,
                                                     SeqRun seqs) const {
  SeqRuns settled;
  const StatusOr<LedgerEntry> entry = Entry(client, channel);
  if (!entry.ok()) return entry.status();
  const SeqRun owed{std::max(seqs.first, entry->start()),
                    std::min(seqs.last, derived_.LastOf(channel))};
  if (!entry->subscribed() || owed.last < owed.first) return settled;
  settled.Add(owed);
  const SeqRuns undelivered = entry->UndeliveredRuns(owed.last);
  for (const SeqRun& run : undelivered.runs()) (void)settled.Remove(run);
  const StatusOr<SeqRuns> parked = ParkedOf(client, channel, owed);
  if (!parked.ok()) return parked.status();
  for (const SeqRun& run : parked->runs()) (void)settled.Remove(run);
  // Most are told of by now, and reading all failures of the subscription would cost.
  if (settled.empty()) return settled;
  const auto rows = Rows(Family::kFailures, NumberedRange(client, channel));
  if (!rows.ok()) return rows.status();
  for (const auto& [key, value] : *rows) {
    const auto parsed = keys::ParseNumbered(key).value_or(keys::NumberedKey{});
    const StatusOr<JournalEvent> event = Event({parsed.number});
    if (event.status().code() == StatusCode::kNotFound) continue;
    if (!event.ok()) return event.status();
    const store::Abandoned& abandoned = event->event.abandoned();
    for (const auto& run : abandoned.runs()) (void)settled.Remove({{run.first()}, {run.last()}});
    for (const std::uint64_t seq : abandoned.unparked()) (void)settled.Remove({{seq}, {seq}});
  }
  return settled;
}

StatusOr<std::vector<JournalEvent>> LedgerReader::FailureEvents(const std::string& client,
                                                                ChannelId channel, Seq seq,
                                                                std::size_t limit) const {
  const auto rows = Rows(Family::kFailures, NumberedRange(client, channel));
  if (!rows.ok()) return rows.status();
  std::vector<JournalEvent> events;
  for (auto at = rows->rbegin(); at != rows->rend() && events.size() < limit; ++at) {
    const auto parsed = keys::ParseNumbered(at->first);
    if (!parsed) continue;
    StatusOr<JournalEvent> event = Event({parsed->number});
    if (event.status().code() == StatusCode::kNotFound) continue;
    if (!event.ok()) return event.status();
    if (TellsOfFailure(event->event, channel, seq)) events.push_back(*std::move(event));
  }
  std::reverse(events.begin(), events.end());
  return events;
}

StatusOr<JournalEvent> LedgerReader::Event(EventId id) const {
  return database_.damage().Noted(FindEvent(id));
}

Status LedgerReader::NotAKey(const std::string& where, const std::string& key) const {
  return database_.damage().Noted(
      Error(StatusCode::kDataLoss, where + ": " + ReadableKey(Family::kLedger, key)));
}

StatusOr<JournalEvent> LedgerReader::FindEvent(EventId id) const {
  const std::string what = "journal record " + std::to_string(id.number().value);
  const auto value = database_.Get(Family::kJournal, keys::Journal(id.number()));
  if (!value.ok()) return value.status();
  if (!value->has_value()) return Error(StatusCode::kNotFound, what + " does not exist");
  return EventOfRecord(**value, id, what);
}

}  // namespace ackwire
