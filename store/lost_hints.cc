#include "store/lost_hints.h"

#include <rocksdb/iterator.h>

#include <algorithm>

#include "store/index_row.h"
#include "store/keys.h"
#include "store/outbox_rows.h"
#include "store/record.h"

namespace ackwire {

Status LostHints::Read() {
  for (const auto read : {&LostHints::ReadChannels, &LostHints::ReadIndex, &LostHints::ReadJournal,
                          &LostHints::ReadCheckpoints}) {
    if (Status status = (this->*read)(); !status.ok()) return status;
  }
  return OkStatus();
}

void LostHints::Names(ChannelId channel, Seq seq, const std::string& name) {
  if (channel.value == 0) return;
  Seq& last = last_[channel];
  last = std::max(last, seq);
  if (!name.empty()) names_[channel] = name;
}

void LostHints::Reaches(const FoldPoint& point) {
  end_.position = std::max(end_.position, point.position);
  end_.number = std::max(end_.number, point.number);
}

void LostHints::Survived(const StoredMessage& stored) {
  Names(stored.channel, stored.seq(), stored.message.channel());
  Reaches({stored.position(), {}});
}

void LostHints::Survived(const store::Watermark& mark) {
  Reaches({{mark.position()}, {mark.journal_number()}});
}

Status LostHints::ReadChannels() {
  const auto row = rows_.NewIterator(Family::kChannels, {});
  for (; row->Valid(); row->Next()) {
    store::ChannelRow channel;
    if (!record::OpenInto(row->value().ToStringView(), "", channel).ok()) continue;
    Names({channel.id()}, {channel.last_seq()}, row->key().ToString());
  }
  return FromRocks(row->status(), "read the salvaged channels");
}

// The last row of each channel.
Status LostHints::ReadIndex() {
  const auto row = rows_.NewIterator(Family::kIndex, {});
  while (row->Valid()) {
    const auto first = keys::ParseIndex(row->key().ToStringView());
    if (!first) return Error(StatusCode::kDataLoss, "index: a key that is none");
    const std::string behind = keys::Index({first->channel.value + 1}, {});
    row->SeekForPrev(behind);
    const auto last = row->Valid() ? keys::ParseIndex(row->key().ToStringView()) : std::nullopt;
    if (last) Names(last->channel, last->last);
    row->Seek(behind);
  }
  return FromRocks(row->status(), "read the salvaged index");
}

Status LostHints::ReadJournal() {
  const auto row = rows_.NewIterator(Family::kJournal, {});
  for (; row->Valid(); row->Next()) {
    store::JournalRecord record;
    const auto number = keys::ParseJournal(row->key().ToStringView());
    if (!number || !record::OpenInto(row->value().ToStringView(), "", record).ok()) continue;
    Reaches({{record.position()}, *number});
    for (const store::Event& event : record.events()) Names(event);
  }
  return FromRocks(row->status(), "read the salvaged journal");
}

void LostHints::Names(const store::Event& event) {
  const auto of_runs = [this](std::uint64_t channel, const auto& runs) {
    for (const auto& run : runs) Names({channel}, {run.last()});
  };
  switch (event.what_case()) {
    case store::Event::kSubscribed:
      Names({event.subscribed().channel()}, {event.subscribed().start() - 1},
            event.subscribed().channel_name());
      break;
    case store::Event::kUnsubscribed:
      Names({event.unsubscribed().channel()}, {event.unsubscribed().last()});
      break;
    case store::Event::kAcked:
      for (const auto& part : event.acked().channels()) of_runs(part.channel(), part.runs());
      break;
    case store::Event::kFailed:
      for (const auto& part : event.failed().channels()) of_runs(part.channel(), part.runs());
      break;
    case store::Event::kParked:
      Names({event.parked().channel()}, {event.parked().seq()});
      break;
    case store::Event::kAbandoned:
      of_runs(event.abandoned().channel(), event.abandoned().runs());
      for (const std::uint64_t seq : event.abandoned().unparked()) {
        Names({event.abandoned().channel()}, {seq});
      }
      break;
    case store::Event::kRemoved:
      of_runs(event.removed().channel(), event.removed().runs());
      break;
    case store::Event::kChannelMade:
      Names({event.channel_made().channel()}, {}, event.channel_made().channel_name());
      break;
    default:
      break;  // of a client, not of a channel
  }
}

Status LostHints::ReadCheckpoints() {
  const auto value = rows_.Get(Family::kMeta, meta::kDerived);
  if (!value.ok()) return value.status();
  store::DerivedCheckpoint checkpoint;
  if (value->has_value() && record::OpenInto(**value, "", checkpoint).ok()) {
    Reaches({{checkpoint.position()}, {checkpoint.journal_number()}});
  }
  const StatusOr<OutboxPoint> relay = LoadRelayCheckpoint(rows_);
  if (relay.ok()) Reaches({relay->last, relay->number});
  return OkStatus();
}

std::optional<Position> LostHints::PositionOf(ChannelId channel, Seq seq) const {
  const auto rows = rows_.NewIterator(
      Family::kIndex, {keys::Index(channel, seq), keys::Index({channel.value + 1}, {})});
  // Tables that a crash left behind may cut the seqs into other rows, which overlap.
  for (; rows->Valid(); rows->Next()) {
    const auto row = IndexRow::Parse(rows->key().ToStringView(), rows->value().ToStringView());
    if (!row || row->last.value >= seq.value + kIndexRowMax) break;
    if (row->first <= seq) return row->PositionOf(seq);
  }
  return std::nullopt;
}

std::string LostHints::NameOf(ChannelId channel) const {
  const auto found = names_.find(channel);
  return found == names_.end() ? "lost-channel-" + std::to_string(channel.value) : found->second;
}

ChannelId LostHints::last_channel() const {
  return last_.empty() ? ChannelId{} : last_.rbegin()->first;
}

}  // namespace ackwire
