#include "store/trimmer.h"

#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "store/base.h"
#include "store/crash_point.h"
#include "store/derived_rows.h"
#include "store/difference.h"
#include "store/forgetter.h"
#include "store/keys.h"
#include "store/outbox_rows.h"
#include "store/record.h"
#include "store/refold.h"
#include "store/tail.h"

namespace ackwire {
namespace {

constexpr std::size_t kBatchBytes = 1ULL << 20U;
// Such parts of the base go to disk as batches that hold up no commit for long.
constexpr std::size_t kBaseStep = 2000;
// The newest records say how far the log was on disk: the watermark is behind the last commit, by
// one at most while it is being made.
constexpr std::uint64_t kNewestKept = 2;
// A trimming reads all channels first, so it waits until there is more than a little to do.
constexpr int kAgePartMore = 100;
constexpr int kBytesPartMore = 16;

// A record, to be read in order.
Status ReadRecord(rocksdb::Iterator& row, JournalNumber expected, store::JournalRecord& record) {
  const auto number = keys::ParseJournal(row.key().ToStringView());
  if (number != expected) {
    return Error(StatusCode::kDataLoss, NameOf(expected) + " is missing");
  }
  return record::OpenInto(row.value().ToStringView(), NameOf(expected), record);
}

std::string DeliveryOf(const Derived& derived, const std::string& client, ChannelId channel,
                       Seq seq) {
  const std::string name = derived.Read([channel](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Get(channel);
    return info == nullptr ? "number " + std::to_string(channel.value) : info->name;
  });
  return "client " + client + ", channel " + name + ", seq " + std::to_string(seq.value);
}

// Of a run that failed, what is tried again.
std::optional<Seq> RetryIn(const LedgerEntry& entry, SeqRun run) {
  const auto retry = entry.retries().lower_bound(run.first);
  if (retry == entry.retries().end() || retry->first > run.last) return std::nullopt;
  return retry->first;
}

// Who still needs what a Failed event says of its attempts.
StatusOr<std::string> AttemptsNeededBy(const Trimmer::Dependencies& deps,
                                       const store::Event& event) {
  for (const auto& part : event.failed().channels()) {
    if (part.replay() != 0) continue;  // of what is parked, by an older record
    const ChannelId channel{part.channel()};
    const StatusOr<LedgerEntry> entry = deps.ledger.Entry(event.client(), channel);
    if (!entry.ok()) return entry.status();
    for (const auto& each : part.runs()) {
      const SeqRun run{{each.first()}, {each.last()}};
      if (const auto seq = RetryIn(*entry, run)) {
        return DeliveryOf(deps.derived, event.client(), channel, *seq) + ", which is tried again";
      }
      if (entry->parked() == 0) continue;
      const StatusOr<SeqRuns> parked = deps.ledger.ParkedOf(event.client(), channel, run);
      if (!parked.ok()) return parked.status();
      if (parked->empty()) continue;
      return DeliveryOf(deps.derived, event.client(), channel, parked->runs().front().first) +
             ", which is parked";
    }
  }
  return std::string();
}

}  // namespace

Trimmer::Trimmer(Dependencies dependencies, JournalRetention keeps, std::uint64_t rows_at_once)
    : deps_(dependencies),
      keeps_(keeps),
      rows_at_once_(rows_at_once),
      base_(deps_.database.Base()) {}

Trimmer::~Trimmer() = default;

void Trimmer::BaseChanged() { fold_.reset(); }

StatusOr<Trimmed> Trimmer::Step(Timestamp now) {
  Trimmed trimmed;
  if (!keeps_.limited()) return trimmed;
  if (fold_ == nullptr && now < rests_until_) {
    trimmed.held_by = held_by_;
    return trimmed;
  }
  const StatusOr<bool> may = MayBegin();
  if (!may.ok() || !*may) {
    fold_.reset();
    return may.ok() ? StatusOr<Trimmed>(trimmed) : may.status();
  }
  const StatusOr<FoldPoint> point = Point();
  if (!point.ok()) return point.status();
  StatusOr<Pick> pick = PickAfter(*point, now);
  if (!pick.ok()) return pick.status();
  trimmed.held_by = std::move(pick->held_by);
  trimmed.more = pick->last.value != 0;
  if (trimmed.more) {
    if (Status status = FoldUpTo(pick->last); !status.ok()) return status;
  } else {
    fold_.reset();
    rests_until_ =
        now + (keeps_.age ? std::min(*keeps_.age / kAgePartMore, kTrimRestMax) : kTrimRestMax);
    held_by_ = trimmed.held_by;
    if (std::exchange(dropped_before_, true)) return trimmed;
  }
  const StatusOr<FoldPoint> base = BasePoint(deps_.database);
  if (!base.ok()) return base.status();
  if (Status status = DropUpTo(base->number, trimmed); !status.ok()) return status;
  return trimmed;
}

// Whoever is being forgotten is erased from the records and from the base one after the other.
StatusOr<bool> Trimmer::MayBegin() const {
  const StatusOr<std::vector<ForgottenClient>> forgotten = Forgetter::Read(deps_.database);
  if (!forgotten.ok()) return forgotten.status();
  return forgotten->empty();
}

StatusOr<FoldPoint> Trimmer::Point() const {
  if (fold_ == nullptr) return BasePoint(deps_.database);
  return FoldPoint{fold_->derived().last_position(), fold_->derived().last_number()};
}

// A record goes when the next is old enough: so the first that stays was committed by then, and all
// that happened since is known.
StatusOr<Trimmer::Pick> Trimmer::PickAfter(const FoldPoint& point, Timestamp now) const {
  const JournalNumber after = point.number;
  const StatusOr<Pick> free = LastFree();
  if (!free.ok()) return free.status();
  const StatusOr<OutboxPoint> relay = LoadRelayCheckpoint(deps_.database);
  if (!relay.ok()) return relay.status();
  Pick pick;
  std::uint64_t excess = ExcessAfter(after);
  std::optional<Timestamp> old;
  if (keeps_.age) old = now - *keeps_.age - (fold_ ? Duration(0) : *keeps_.age / kAgePartMore);
  store::JournalRecord record;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
  JournalNumber number{after.value + 1};
  const JournalNumber behind{free->last.value + 2};
  const auto is_old = [&old](const store::JournalRecord& one) {
    return old && FromUnixMs(one.at_ms()) <= *old;
  };
  const auto row = deps_.database.NewIterator(
      Family::kJournal, {keys::Journal(number), keys::Journal(behind)}, Database::Reading::kWalk);
  for (; row->Valid(); row->Next(), ++number.value) {
    store::JournalRecord next;
    if (Status status = ReadRecord(*row, number, next); !status.ok()) return status;
    if (number.value > after.value + 1) {
      const JournalNumber last{number.value - 1};
      if ((!is_old(next) && excess == 0) || OutboxPoint{{record.position()}, last} > *relay) break;
      StatusOr<std::string> needed = NeededBy(last, record);
      if (!needed.ok()) return needed.status();
      pick.held_by = *std::move(needed);
      if (!pick.held_by.empty()) break;
      pick.last = last;
      excess -= std::min(excess, bytes);
      const std::uint64_t rows =
          record.position() - point.position.value + last.value - after.value + events;
      if (rows >= rows_at_once_) return pick;
    }
    events += static_cast<std::uint64_t>(next.events_size());
    bytes = row->key().size() + row->value().size();
    record = std::move(next);
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal");
  const bool all_free = (pick.last.value != 0 ? pick.last : after) == free->last;
  const bool goes = is_old(record) || excess > 0;
  if (all_free && goes && pick.held_by.empty()) pick.held_by = free->held_by;
  return pick;
}

StatusOr<Trimmer::Pick> Trimmer::LastFree() const {
  const StatusOr<store::DerivedCheckpoint> folded = ReadCheckpoint(deps_.database);
  if (!folded.ok()) return folded.status();
  return deps_.derived.Read([&](const DerivedView& view) {
    std::uint64_t last =
        std::min(folded->journal_number(),
                 view.last_number.value - std::min(view.last_number.value, kNewestKept));
    std::string held_by;
    for (const auto& [id, replay] : view.replays.all()) {
      if (replay.ended_at) continue;
      const std::uint64_t before = EventId{id.value}.number().value - 1;
      if (before < last) held_by = "a replay that has not ended (ackctl replay list)";
      last = std::min(last, before);
      break;  // the others are later
    }
    return Pick{{last}, held_by};
  });
}

std::uint64_t Trimmer::ExcessAfter(JournalNumber after) const {
  if (!keeps_.bytes) return 0;
  const StatusOr<std::uint64_t> bytes = JournalBytesAfter(deps_.database, after);
  const std::uint64_t may_be = *keeps_.bytes + (fold_ ? 0 : *keeps_.bytes / kBytesPartMore);
  if (!bytes.ok() || *bytes <= may_be) return 0;
  return *bytes - *keeps_.bytes;
}

StatusOr<std::string> Trimmer::NeededBy(JournalNumber number,
                                        const store::JournalRecord& record) const {
  std::uint64_t index = 0;
  for (const store::Event& event : record.events()) {
    const EventId id = EventId::Of(number, index++);
    StatusOr<std::string> needed = std::string();
    if (event.has_failed()) {
      needed = AttemptsNeededBy(deps_, event);
    } else if (event.has_parked()) {
      const ChannelId channel{event.parked().channel()};
      const Seq seq{event.parked().seq()};
      const auto parked_by = deps_.ledger.ParkedBy(event.client(), channel, seq);
      if (!parked_by.ok()) return parked_by.status();
      if (*parked_by == id)
        needed = DeliveryOf(deps_.derived, event.client(), channel, seq) + ", which is parked";
    }
    if (!needed.ok() || !needed->empty()) return needed;
  }
  return std::string();
}

Status Trimmer::FoldUpTo(JournalNumber last) {
  if (fold_ == nullptr) {
    auto fold = std::make_unique<Refold>(*base_, kBaseStep);
    if (Status status = fold->Load(); !status.ok()) return status;
    fold_ = std::move(fold);
  }
  std::uint64_t rows = 0;
  const FoldPoint from{fold_->derived().last_position(), fold_->derived().last_number()};
  Status status = FoldFrom(*base_, from, [&](const SharedGroup& group) -> StatusOr<Fold> {
    if (Status applied = fold_->Apply(group); !applied.ok()) return applied;
    rows += group->messages.size() + 1 + static_cast<std::uint64_t>(group->record.events_size());
    return group->number == last || rows >= rows_at_once_ ? Fold::kEnough : Fold::kOn;
  });
  return status.ok() ? fold_->Finish() : status;
}

Status Trimmer::DropUpTo(JournalNumber last, Trimmed& trimmed) {
  if (last <= dropped_) return OkStatus();
  CrashPoint(crash::kBeforeJournalTrim);
  // What the watermark names must stay: it gets ahead of what goes.
  if (Status status = deps_.database.RowsMoved(); !status.ok()) return status;
  rocksdb::WriteBatch batch;
  const auto row = deps_.database.NewIterator(
      Family::kJournal, {keys::Journal({dropped_.value + 1}), keys::Journal({last.value + 1})},
      Database::Reading::kWalk);
  for (; row->Valid(); row->Next()) {
    const JournalNumber number = keys::ParseJournal(row->key().ToStringView()).value_or(last);
    store::JournalRecord record;
    Status status = ReadRecord(*row, number, record);
    if (status.ok()) status = AddListing(number, record, batch);
    if (!status.ok()) return status;
    ++trimmed.records;
    trimmed.last = number;
    trimmed.up_to = FromUnixMs(record.at_ms());
    if (batch.GetDataSize() < kBatchBytes) continue;
    if (status = deps_.database.Write(batch, Sync::kNo); !status.ok()) return status;
    batch.Clear();
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read the journal");
  batch.DeleteRange(deps_.database.handle(Family::kJournal), keys::Journal({}),
                    keys::Journal({last.value + 1}));
  if (Status status = deps_.database.Write(batch, Sync::kNo); !status.ok()) return status;
  CrashPoint(crash::kAfterJournalTrim);
  dropped_ = last;
  return OkStatus();
}

// Deletes the rows that list a record, found as they were made.
Status Trimmer::AddListing(JournalNumber number, const store::JournalRecord& record,
                           rocksdb::WriteBatch& batch) const {
  auto group = std::make_shared<CommittedGroup>();
  group->number = number;
  group->record = record;
  Tail tail;
  tail.Apply(group);
  for (const auto& [key, value] : tail.rows(Family::kFailures)) {
    batch.Delete(deps_.database.handle(Family::kFailures), key);
  }
  for (const auto& [key, value] : tail.rows(Family::kHistory)) {
    // A later acknowledgement may have taken its place.
    const auto stored = deps_.database.Get(Family::kHistory, key);
    if (!stored.ok()) return stored.status();
    if (*stored == value) batch.Delete(deps_.database.handle(Family::kHistory), key);
  }
  return OkStatus();
}

}  // namespace ackwire
