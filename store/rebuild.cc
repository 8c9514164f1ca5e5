#include "store/rebuild.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "store/base.h"
#include "store/channel_rows.h"
#include "store/forgetter.h"
#include "store/keys.h"
#include "store/ledger_salvage.h"
#include "store/proto_time.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/stub.h"

namespace ackwire {
namespace {

constexpr int kBatchRows = 1000;
constexpr std::size_t kGroupMessages = 1000;

// Writes rows a batch at a time. Not synced: Finish puts all on disk in the end.
class Batches {
 public:
  explicit Batches(Database& database) : database_(database) {}
  [[nodiscard]] Status Put(Family family, const std::string& key, const std::string& value) {
    batch_.Put(database_.handle(family), key, value);
    return batch_.Count() < kBatchRows ? OkStatus() : Flush();
  }
  [[nodiscard]] Status Flush() {
    Status status = database_.Write(batch_, Sync::kNo);
    batch_.Clear();
    return status;
  }

 private:
  Database& database_;
  rocksdb::WriteBatch batch_;
};

std::string StubRow(const Place& place, const std::string& channel, Timestamp at) {
  StoredMessage stub{place.channel, {}};
  SetTime(*stub.message.mutable_published_at(), at);
  stub.message.set_position(place.position.value);
  if (place.channel.value != 0) {
    stub.message.set_channel(channel);
    stub.message.set_seq(place.seq.value);
  }
  return MakeLogRow(stub);
}

}  // namespace

Rebuild::Rebuild(const Salvaged& salvaged, Database& into, LostHints& hints, RecoveryReport& report)
    : salvaged_(*salvaged.rows),
      base_is_whole_(salvaged.base_is_whole),
      into_(into),
      hints_(hints),
      report_(report),
      refold_(into),
      ledger_(into, refold_.derived()),
      restage_(refold_.derived(), ledger_) {}

Rebuild::~Rebuild() = default;

Status Rebuild::Run() {
  for (const auto step :
       {&Rebuild::ReadForgotten, &Rebuild::CopyLog, &Rebuild::WriteStubs, &Rebuild::StartFromBase,
        &Rebuild::RewriteJournal, &Rebuild::SalvageLedger, &Rebuild::ReportSubscriptions,
        &Rebuild::MakeChannels, &Rebuild::Finish}) {
    if (Status status = (this->*step)(); !status.ok()) return status;
  }
  return OkStatus();
}

// Any of a commit may be lost: the event that a client was forgotten, or the row that says so.
Status Rebuild::ReadForgotten() {
  StatusOr<std::vector<ForgottenClient>> noted = Forgetter::Read(salvaged_);
  if (!noted.ok()) return noted.status();
  std::map<EventId, std::string> all;
  for (const ForgottenClient& each : *noted) all[each.at] = each.client;
  const auto row = salvaged_.NewIterator(Family::kJournal, {});
  for (; row->Valid(); row->Next()) {
    const auto number = keys::ParseJournal(row->key().ToStringView());
    store::JournalRecord record;
    if (!number || !record::OpenInto(row->value().ToStringView(), "", record).ok()) continue;
    std::uint64_t place = 0;
    for (const store::Event& event : record.events()) {
      const EventId id = EventId::Of(*number, place++);
      const bool names = event.has_client_forgotten() && !IsPseudonym(event.client());
      if (names) all[id] = event.client();
    }
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the salvaged journal");
  for (const auto& [at, client] : all) forgotten_.push_back({client, at});
  return OkStatus();
}

Status Rebuild::CopyLog() {
  Batches batches(into_);
  const auto row = salvaged_.NewIterator(Family::kLog, {});
  for (; row->Valid(); row->Next()) {
    const auto position = keys::ParseLog(row->key().ToStringView());
    if (!position) continue;
    const StatusOr<StoredMessage> stored = ParseLogRow(*position, row->value().ToStringView());
    if (!stored.ok()) continue;  // it is lost
    if (!IsStub(*stored)) ++report_.messages;
    hints_.Survived(*stored);
    Status status = places_.Survived({*position, stored->channel, stored->seq()});
    if (!status.ok()) return status;
    status = batches.Put(Family::kLog, row->key().ToString(), row->value().ToString());
    if (!status.ok()) return status;
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the salvaged log");
  return batches.Flush();
}

Status Rebuild::WriteStubs() {
  const StatusOr<std::vector<Place>> places =
      places_.Decide({.position_of = [this](ChannelId channel,
                                            Seq seq) { return hints_.PositionOf(channel, seq); },
                      .last = hints_.last()});
  if (!places.ok()) return places.status();
  Batches batches(into_);
  // Ages are computed from it: a stub has the time of the message before it.
  Timestamp at{};
  Position before;
  for (const Place& place : *places) {
    if (place.position.value == 0 || place.position > places_.last()) continue;
    if (before.value == 0 || before.value + 1 != place.position.value)
      at = TimeNear(place.position);
    before = place.position;
    const Status status = batches.Put(Family::kLog, keys::Log(place.position),
                                      StubRow(place, hints_.NameOf(place.channel), at));
    if (!status.ok()) return status;
  }
  Report(*places);
  return batches.Flush();
}

Timestamp Rebuild::TimeNear(Position position) const {
  const auto row = salvaged_.NewIterator(Family::kLog, {});
  row->SeekForPrev(keys::Log(position));
  if (!row->Valid()) row->SeekToFirst();
  if (!row->Valid()) return {};
  const auto found = keys::ParseLog(row->key().ToStringView());
  const StatusOr<StoredMessage> near =
      ParseLogRow(found.value_or(Position{}), row->value().ToStringView());
  return near.ok() ? TimeOf(near->message.published_at()) : Timestamp{};
}

void Rebuild::Report(const std::vector<Place>& places) {
  std::vector<Place> known;
  for (const Place& place : places) {
    if (place.channel.value != 0) {
      known.push_back(place);
    } else {
      AddNumber(report_.unknown, place.position.value);
    }
  }
  std::sort(known.begin(), known.end(), [](const Place& a, const Place& b) {
    return std::pair(a.channel, a.seq) < std::pair(b.channel, b.seq);
  });
  ChannelId channel;
  for (const Place& place : known) {
    const bool same_end = !report_.lost.empty() && channel == place.channel &&
                          report_.lost.back().seqs.last.value + 1 == place.seq.value &&
                          (report_.lost.back().last.value == 0) == (place.position.value == 0);
    if (same_end) {
      report_.lost.back().seqs.last = place.seq;
      report_.lost.back().last = place.position;
      continue;
    }
    channel = place.channel;
    report_.lost.push_back(
        {hints_.NameOf(channel), {place.seq, place.seq}, place.position, place.position});
  }
  if (hints_.end().position > places_.last()) {
    report_.behind_the_end.push_back({places_.last().value + 1, hints_.end().position.value});
  }
}

Status Rebuild::StartFromBase() {
  log_ = into_.NewIterator(Family::kLog, {});
  if (!base_is_whole_) return StartFromChannels();
  const StatusOr<FoldPoint> point = BasePoint(salvaged_);
  if (!point.ok()) return point.status();
  if (point->number.value == 0) return OkStatus();
  if (Status status = FoldMessages(point->position); !status.ok()) return status;
  const auto base = salvaged_.Base();
  const StatusOr<bool> agrees = AgreesWith(*base);
  if (!agrees.ok()) return agrees.status();
  if (!*agrees) {
    report_.files.push_back({"the journal's base", "does not fit what is left of the log"});
    return StartFromChannels();
  }
  if (Status status = refold_.Finish(); !status.ok()) return status;
  const auto into_base = into_.Base();
  for (Database* copy : {&into_, into_base.get()}) {
    if (Status status = CopyBase(*base, *copy); !status.ok()) return status;
    for (const ForgottenClient& forgotten : forgotten_) {
      rocksdb::WriteBatch batch;
      Status status = EraseFromBase(*copy, forgotten, batch);
      if (status.ok()) status = into_.Write(batch, Sync::kNo);
      if (!status.ok()) return status;
    }
  }
  next_ = {point->number.value + 1};
  return refold_.Load();
}

StatusOr<bool> Rebuild::AgreesWith(const Database& base) const {
  const StatusOr<std::vector<ChannelInfo>> channels = ReadChannels(base);
  if (channels.status().code() == StatusCode::kDataLoss) return false;
  if (!channels.ok()) return channels.status();
  return std::all_of(channels->begin(), channels->end(), [this](const ChannelInfo& channel) {
    return channel.last == refold_.derived().LastOf(channel.id);
  });
}

Status Rebuild::StartFromChannels() {
  const auto row = salvaged_.NewIterator(Family::kJournal, {});
  JournalNumber first;  // zero: there is none
  if (row->Valid()) first = keys::ParseJournal(row->key().ToStringView()).value_or(first);
  if (!row->status().ok()) return FromRocks(row->status(), "read the salvaged journal");
  if (first.value <= 1) return OkStatus();
  store::JournalRecord record;
  Status status = record::OpenInto(row->value().ToStringView(), "the first record", record);
  if (status.ok()) status = FoldMessages({record.position()});
  if (status.ok()) status = refold_.Finish();
  if (!status.ok()) return status;
  report_.journal.push_back({1, first.value - 1});
  next_ = first;
  store::DerivedCheckpoint checkpoint;
  checkpoint.set_position(refold_.derived().last_position().value);
  checkpoint.set_journal_number(first.value - 1);
  rocksdb::WriteBatch batch;
  batch.Put(into_.handle(Family::kMeta), meta::kDerived, record::Seal(checkpoint));
  if (status = into_.Write(batch, Sync::kNo); !status.ok()) return status;
  if (status = CopyBase(into_, *into_.Base()); !status.ok()) return status;
  return refold_.Load();
}

Status Rebuild::RewriteJournal() {
  std::uint64_t next = next_.value;
  const auto row = salvaged_.NewIterator(Family::kJournal, {keys::Journal(next_), {}});
  for (; row->Valid(); row->Next()) {
    const auto number = keys::ParseJournal(row->key().ToStringView());
    store::JournalRecord record;
    if (!number || !record::OpenInto(row->value().ToStringView(), "", record).ok()) continue;
    for (; next < number->value; ++next) {
      AddNumber(report_.journal, next);
      store::JournalRecord lost;
      lost.set_at_ms(last_at_ms_);
      if (Status status = AddRecord(lost); !status.ok()) return status;
    }
    ++next;
    ++report_.journal_records;
    for (const ForgottenClient& forgotten : forgotten_) EraseClient(forgotten, *number, record);
    if (Status status = FoldMessages({record.position()}); !status.ok()) return status;
    if (Status status = AddRecord(record); !status.ok()) return status;
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the salvaged journal");
  if (hints_.end().number.value >= next) {
    for (; next <= hints_.end().number.value; ++next) AddNumber(report_.journal, next);
  }
  report_.events_changed = restage_.changed();
  return FoldMessages(places_.last());
}

Status Rebuild::AddRecord(const store::JournalRecord& record) {
  const StatusOr<SharedGroup> group = restage_.Record(record);
  if (!group.ok()) return group.status();
  last_at_ms_ = std::max(last_at_ms_, record.at_ms());
  rocksdb::WriteBatch batch;
  batch.Put(into_.handle(Family::kJournal), keys::Journal((*group)->number),
            record::Seal((*group)->record));
  if (Status status = into_.Write(batch, Sync::kNo); !status.ok()) return status;
  return refold_.Apply(*group);
}

Status Rebuild::FoldMessages(Position up_to) {
  Position last = refold_.derived().last_position();
  while (last < up_to && log_->Valid()) {
    auto group = std::make_shared<CommittedGroup>();
    for (; log_->Valid() && group->messages.size() < kGroupMessages && last < up_to; log_->Next()) {
      ++last.value;
      StatusOr<StoredMessage> stored = ParseLogRow(last, log_->value().ToStringView());
      if (!stored.ok()) return stored.status();
      if (stored->channel.value != 0) group->messages.push_back(*std::move(stored));
    }
    group->last = last;
    if (Status status = refold_.Apply(group); !status.ok()) return status;
  }
  return FromRocks(log_->status(), "read the new log");
}

Status Rebuild::SalvageLedger() {
  if (report_.journal.empty()) return OkStatus();
  LedgerSalvage rows({salvaged_, hints_, forgotten_}, ledger_, refold_.derived());
  for (;;) {
    StatusOr<store::JournalRecord> record = rows.Next();
    if (!record.ok()) return record.status();
    if (record->events_size() == 0) return OkStatus();
    record->set_at_ms(last_at_ms_);
    report_.events_salvaged += static_cast<std::uint64_t>(record->events_size());
    if (Status status = AddRecord(*record); !status.ok()) return status;
  }
}

// Of one that ended there is still a ledger row: where there is none, what told of it is lost.
Status Rebuild::ReportSubscriptions() {
  if (report_.journal.empty()) return OkStatus();
  const auto row = salvaged_.NewIterator(Family::kMembers, {});
  for (; row->Valid(); row->Next()) {
    const auto key = keys::ParseMembers(row->key().ToStringView());
    const bool forgotten =
        key && std::any_of(forgotten_.begin(), forgotten_.end(),
                           [&](const ForgottenClient& each) { return each.client == key->client; });
    if (!key || forgotten) continue;
    const StatusOr<LedgerEntry> entry = ledger_.Entry(key->client, key->channel);
    if (!entry.ok()) return entry.status();
    if (entry->as_of().value != 0) continue;
    report_.subscriptions.push_back({key->client, hints_.NameOf(key->channel)});
  }
  return FromRocks(row->status(), "read the salvaged members");
}

// Channels are numbered without gaps. One of which nothing is left but its number is made again.
Status Rebuild::MakeChannels() {
  store::JournalRecord record;
  record.set_at_ms(last_at_ms_);
  for (ChannelId id{1}; id <= hints_.last_channel(); ++id.value) {
    const bool named = refold_.derived().Read([id](const DerivedView& view) {
      const ChannelInfo* info = view.channels.Get(id);
      return info != nullptr && !info->name.empty();
    });
    if (named) continue;
    store::ChannelMade& made = *record.add_events()->mutable_channel_made();
    made.set_channel(id.value);
    made.set_channel_name(hints_.NameOf(id));
  }
  return record.events_size() == 0 ? OkStatus() : AddRecord(record);
}

Status Rebuild::Finish() {
  if (Status status = refold_.Finish(); !status.ok()) return status;
  const auto [position, number] = refold_.derived().Read(
      [](const DerivedView& view) { return std::pair(view.last_position, view.last_number); });
  rocksdb::WriteBatch batch;
  batch.Put(into_.handle(Family::kMeta), meta::kRelay, keys::Outbox(position, number));
  if (Status status = into_.Write(batch, Sync::kYes); !status.ok()) return status;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    handles.push_back(into_.handle(static_cast<Family>(i)));
  }
  return FromRocks(into_.rocks().Flush({}, handles), "write the new database");
}

}  // namespace ackwire
