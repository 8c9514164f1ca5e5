#include "tests/unit/store_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>

#include "store/index_row.h"
#include "store/recover.h"
#include "store/verify.h"

namespace ackwire {

void ExpectDataLoss(const Status& status, const std::string& why) {
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(MessageOf(status), testing::HasSubstr(why));
}
namespace {

constexpr std::size_t kAll = 1'000'000;

// A failure that a test did not ask for ends it, with its text.
void Require(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

std::map<std::string, std::string> Dump(const Database& database, Family family) {
  std::map<std::string, std::string> rows;
  const auto row = database.NewIterator(family, {});
  for (; row->Valid(); row->Next()) rows[row->key().ToString()] = row->value().ToString();
  return rows;
}

}  // namespace

void TestStore::Open() { Require(TryReopen()); }

void TestStore::Reopen() { Open(); }

Status TestStore::TryReopen() {
  open_.reset();
  auto directory = DataDirectory::Open(directory_.path() / "data");
  if (!directory.ok()) return directory.status();
  auto database = Database::Open(*std::move(directory), {.rng = rng_});
  if (!database.ok()) return database.status();
  auto watermark = Watermark::Open(**database, clock_, "boot");
  if (!watermark.ok()) return watermark.status();
  open_ = std::make_unique<Opened>(*std::move(database), *std::move(watermark), clock_, rng_);
  return open_->derived.Recover();
}

void TestStore::FoldNow() {
  constexpr std::size_t kRuns = 0;
  Require(open_->derived_writer.Step(folds_ % 2 == 0 ? kBatchEntriesMax : kRuns));
  ++folds_;
}

std::vector<std::string> TestStore::Differences() {
  Close();
  const auto directory = DataDirectory::OpenExisting(directory_.path() / "data");
  Require(directory.status());
  VerifyOptions options;
  options.scratch = scratch_.path();
  std::vector<std::string> found;
  options.differs = [&](const Difference& each) {
    found.push_back(each.family + ": " + each.key + ": " + each.stored.value_or("missing") + " / " +
                    each.expected.value_or("unexpected"));
  };
  const auto report = Verify(**directory, options);
  Require(report.status());
  // Damage to what they are derived from is said instead.
  if (found.empty() && !report->derived_compared) {
    found.emplace_back("the derived rows were not compared");
  }
  return found;
}

void TestStore::Recover() {
  Close();
  {
    const auto directory = DataDirectory::OpenExisting(directory_.path() / "data");
    Require(directory.status());
    const auto recovery =
        Recovery::Prepare(**directory, {.clock = clock_, .seed = 1, .boot_id = "boot"});
    Require(recovery.status());
    Require((*recovery)->Accept("{}\n"));
  }
  Reopen();
}

void TestStore::CrashBeforeCheckpoint() {
  const auto meta_before = Dump(database(), Family::kMeta);
  const auto channels_before = Dump(database(), Family::kChannels);
  FoldNow();
  rocksdb::WriteBatch batch;
  for (const auto& [family, before] :
       {std::pair{Family::kMeta, meta_before}, std::pair{Family::kChannels, channels_before}}) {
    for (const auto& row : Dump(database(), family)) {
      batch.Delete(database().handle(family), row.first);
    }
    for (const auto& [key, value] : before) batch.Put(database().handle(family), key, value);
  }
  Require(database().Write(batch, Sync::kNo));
  Reopen();
}

Work TestStore::PublishWorkOf(const std::string& channel, const std::string& payload,
                              const PublishOptions& options) {
  PublishWork work;
  work.draft.set_channel(channel);
  work.draft.set_payload(payload);
  work.draft.set_message_id(options.id);
  work.draft.set_sender(options.sender);
  work.draft.set_kind(options.kind);
  work.draft.set_refers_to(options.refers_to.value);
  work.expected_seq = options.expected_seq;
  work.ttl = options.ttl;
  work.may_publish_as = options.may_publish_as;
  return work;
}

Work TestStore::SubscribeWorkOf(std::vector<SubscribeRequest> requests) {
  SubscribeWork work;
  work.requests = std::move(requests);
  return work;
}

Work TestStore::JournalWorkOf(std::vector<store::Event> events) {
  JournalWork work;
  work.events = std::move(events);
  return work;
}

SharedGroup TestStore::Commit(std::vector<Work>& works) {
  const StatusOr<SharedGroup> group = open_->writer.Commit(works);
  Require(group.status());
  return *group;
}

StatusOr<Published> TestStore::TryPublish(const std::string& channel, const std::string& payload,
                                          const PublishOptions& options) {
  std::vector<Work> works = {PublishWorkOf(channel, payload, options)};
  (void)Commit(works);
  return std::get<PublishWork>(works[0]).outcome;
}

Published TestStore::Publish(const std::string& channel, const std::string& payload,
                             const PublishOptions& options) {
  const StatusOr<Published> published = TryPublish(channel, payload, options);
  Require(published.status());
  return *published;
}

SubscriptionState TestStore::Subscribe(const std::string& client, const std::string& channel,
                                       StartAt start) {
  std::vector<Work> works = {SubscribeWorkOf({{client, channel, start}})};
  (void)Commit(works);
  const auto& outcome = std::get<SubscribeWork>(works[0]).outcome;
  Require(outcome.status());
  return outcome->at(0);
}

void TestStore::Record(std::vector<store::Event> events) {
  std::vector<Work> works = {JournalWorkOf(std::move(events))};
  (void)Commit(works);
  Require(std::get<JournalWork>(works[0]).outcome.status());
}

void TestStore::Ack(const std::string& client, const std::string& channel, SeqRun run) {
  Record({events::Acked(client, IdOf(channel), {run})});
}

void TestStore::Park(const std::string& client, const std::string& channel, Seq seq) {
  Record({events::Parked(client, IdOf(channel), seq)});
}

void TestStore::Unsubscribe(const std::string& client, const std::string& channel) {
  const auto parked = ledger().ParkedSeqs(client, IdOf(channel));
  Require(parked.status());
  Record({events::Unsubscribed(client, IdOf(channel), *parked)});
}

void TestStore::Overwrite(Family family, const std::string& key, const std::string& value) {
  rocksdb::WriteBatch batch;
  batch.Put(database().handle(family), key, value);
  Require(database().Write(batch, Sync::kNo));
}

void TestStore::Erase(Family family, const std::string& key) {
  rocksdb::WriteBatch batch;
  batch.Delete(database().handle(family), key);
  Require(database().Write(batch, Sync::kNo));
}

std::optional<std::string> TestStore::IndexKeyOf(ChannelId channel, Seq seq) const {
  const auto rows = open_->database->NewIterator(
      Family::kIndex, {keys::Index(channel, seq), keys::Index({channel.value + 1}, {})});
  if (!rows->Valid()) return std::nullopt;
  const auto row = IndexRow::Parse(rows->key().ToStringView(), rows->value().ToStringView());
  return row && row->first <= seq ? std::optional(rows->key().ToString()) : std::nullopt;
}

void TestStore::OverwriteIndex(ChannelId channel, Seq seq, Position position) {
  const std::string key = IndexKeyOf(channel, seq).value();
  std::string value = database().Get(Family::kIndex, key)->value();
  const Seq first = IndexRow::Parse(key, value)->first;
  const std::string bytes = keys::U64(position.value);
  value.replace((seq.value - first.value) * bytes.size(), bytes.size(), bytes);
  Overwrite(Family::kIndex, key, value);
}

ChannelInfo TestStore::Info(const std::string& channel) const {
  return open_->derived.Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(channel);
    return info == nullptr ? ChannelInfo{} : *info;
  });
}

ChannelId TestStore::IdOf(const std::string& channel) const { return Info(channel).id; }

LedgerEntry TestStore::Entry(const std::string& client, const std::string& channel) const {
  const StatusOr<LedgerEntry> entry = ledger().Entry(client, IdOf(channel));
  Require(entry.status());
  return *entry;
}

Totals TestStore::totals() const {
  return open_->derived.Read([](const DerivedView& view) { return view.totals; });
}

std::vector<ChannelInfo> TestStore::Channels() const {
  return open_->derived.Read(
      [](const DerivedView& view) { return view.channels.List({.limit = kAll}); });
}

std::vector<std::string> TestStore::Clients() const {
  const auto clients = ledger().Clients({.limit = kAll});
  Require(clients.status());
  return *clients;
}

Totals TestStore::CountTotals() const {
  std::map<ChannelId, Seq> last;
  for (const ChannelInfo& channel : Channels()) last[channel.id] = channel.last;
  Totals totals;
  for (const std::string& client : Clients()) {
    ++totals.clients;
    const auto entries = ledger().Entries(client);
    Require(entries.status());
    for (const ChannelEntry& each : *entries) {
      totals.undelivered += each.entry.Undelivered(last[each.channel]);
      const auto parked = ledger().ParkedSeqs(client, each.channel);
      Require(parked.status());
      totals.parked += parked->size();
    }
  }
  return totals;
}

std::string TestStore::Describe() const {
  std::ostringstream out;
  const Totals sums = totals();
  out << "totals " << sums.undelivered << ' ' << sums.parked << ' ' << sums.clients << " last "
      << open_->derived.last_position().value << '\n';
  for (const ChannelInfo& channel : Channels()) {
    out << "channel " << channel.id.value << ' ' << channel.name << ' ' << channel.last.value << ' '
        << channel.subscriptions << ' ' << ToUnixMs(channel.last_published_at) << '\n';
    const auto messages = log().ReadChannel(
        channel.id, {.messages_max = kAll, .bytes_max = std::numeric_limits<std::size_t>::max()});
    Require(messages.status());
    for (const StoredMessage& stored : *messages) {
      const auto found = log().FindById(channel.id, stored.message.message_id());
      Require(found.status());
      out << stored.message.ShortDebugString() << " by id "
          << (found->has_value() ? (*found)->position().value : 0) << '\n';
    }
    const auto members = ledger().Members(channel.id, {.limit = kAll});
    Require(members.status());
    for (const std::string& member : *members) out << "member " << member << '\n';
  }
  open_->derived.Read([&](const DerivedView& view) {
    for (const auto& [id, replay] : view.replays.all()) {
      out << "replay " << id.value << ' ' << replay.acked << ' ' << replay.failed << ' '
          << replay.skipped_total() << ' ' << replay.paused << replay.cancelled << ' '
          << replay.rate_per_second << ' ' << replay.ended_at.has_value() << '\n';
      for (const auto& [pair, runs] : view.replays.OpenOf(id)) {
        out << "open " << pair.first << ' ' << pair.second.value;
        for (const SeqRun& run : runs.runs()) {
          out << ' ' << run.first.value << '-' << run.last.value;
        }
        out << '\n';
      }
    }
  });
  for (const std::string& client : Clients()) {
    const auto state = ledger().Client(client);
    Require(state.status());
    out << "client " << client << ' ' << state->subscriptions << ' ' << state->disconnects << ' '
        << ToUnixMs(state->last_seen_at) << ' ' << state->as_of.value
        << (state->paused ? " paused " + state->pause_note : "") << '\n';
    const auto entries = ledger().Entries(client);
    Require(entries.status());
    for (const ChannelEntry& each : *entries) {
      out << "entry " << each.channel.value << ' ' << each.entry.ToRow().ShortDebugString();
      const auto parked = ledger().ParkedSeqs(client, each.channel);
      Require(parked.status());
      for (const Seq seq : *parked) out << " parked " << seq.value;
      out << '\n';
    }
  }
  return out.str();
}

}  // namespace ackwire
