#include "store/tail.h"

#include "store/failures.h"
#include "store/ledger_fold.h"
#include "store/stub.h"

namespace ackwire {
namespace {

// What maps take for an entry besides what is in it, about.
constexpr std::size_t kEntryBytes = 100;
constexpr std::size_t kMessageBytes = 80;  // its entries in index and ids

// Shares the commit where that keeps no messages in memory.
TailEvent KeptEvent(const SharedGroup& group, int index) {
  const EventId id = EventId::Of(group->number, static_cast<std::uint64_t>(index));
  const store::Event& event = group->record.events(index);
  if (group->messages.empty()) return {id, std::shared_ptr<const store::Event>(group, &event)};
  return {id, std::make_shared<const store::Event>(event)};
}

}  // namespace

void Tail::Apply(const SharedGroup& group) {
  // Far enough ahead for memory to answer: the ids are larger than a cache.
  constexpr std::size_t kAhead = 8;
  const std::vector<StoredMessage>& messages = group->messages;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (i + kAhead < messages.size() && messages[i + kAhead].id_hash) {
      PrefetchId(messages[i + kAhead].channel, *messages[i + kAhead].id_hash);
    }
    ApplyMessage(messages[i]);
  }
  for (int i = 0; i < group->record.events_size(); ++i) {
    TailEvent event = KeptEvent(group, i);
    event_bytes_ += sizeof(store::Event) + 2 * event.event().ByteSizeLong();
    ApplyEvent(event);
  }
  last_position_ = group->last;
}

void Tail::ApplyMessage(const StoredMessage& stored) {
  ChannelPositions& channel = index_[stored.channel];
  if (channel.positions.empty()) {
    channel.first = stored.seq();
    changed_channels_.insert(stored.channel);
  }
  channel.positions.push_back(stored.position());
  ++size_;
  message_bytes_ += kMessageBytes;
  if (IsStub(stored)) return;  // it has no id
  const keys::IdHash hash =
      stored.id_hash ? *stored.id_hash : keys::HashOfId(stored.message.message_id());
  ids_[{stored.channel, hash}] = stored.position();
  ++size_;
}

void Tail::ApplyEvent(const TailEvent& tail_event) {
  const store::Event& event = tail_event.event();
  const std::string& client = event.client();
  for (const ChannelId channel : LedgerChannelsOf(event)) PutLedger(client, channel, tail_event);
  for (std::string& key : FailureKeysOf(tail_event.id.number(), event)) {
    Put(Family::kFailures, std::move(key), "");
  }
  switch (event.what_case()) {
    case store::Event::kSubscribed: {
      const ChannelId channel{event.subscribed().channel()};
      changed_channels_.insert(channel);
      Put(Family::kMembers, keys::Members(channel, client), "");
      break;
    }
    case store::Event::kUnsubscribed: {
      const ChannelId channel{event.unsubscribed().channel()};
      changed_channels_.insert(channel);
      Put(Family::kMembers, keys::Members(channel, client), std::nullopt);
      for (const std::uint64_t seq : event.unsubscribed().parked()) {
        Put(Family::kParked, keys::Numbered(client, channel, seq), std::nullopt);
      }
      Put(Family::kFailures, keys::Numbered(client, channel, tail_event.id.value), "");
      break;
    }
    case store::Event::kAcked:
      ApplyAcked(tail_event);
      break;
    case store::Event::kFailed:
      for (const auto& part : event.failed().channels()) {
        const ChannelId channel{part.channel()};
        Put(Family::kFailures, keys::Numbered(client, channel, tail_event.id.value), "");
      }
      break;
    case store::Event::kParked: {
      const ChannelId channel{event.parked().channel()};
      Put(Family::kParked, keys::Numbered(client, channel, event.parked().seq()),
          keys::U64(tail_event.id.value));
      Put(Family::kFailures, keys::Numbered(client, channel, tail_event.id.value), "");
      break;
    }
    case store::Event::kAbandoned: {
      const ChannelId channel{event.abandoned().channel()};
      for (const std::uint64_t seq : event.abandoned().unparked()) {
        Put(Family::kParked, keys::Numbered(client, channel, seq), std::nullopt);
      }
      Put(Family::kFailures, keys::Numbered(client, channel, tail_event.id.value), "");
      break;
    }
    case store::Event::kChannelMade:
      changed_channels_.insert({event.channel_made().channel()});
      break;
    case store::Event::kRemoved:
      changed_channels_.insert({event.removed().channel()});
      ++size_;
      break;
    case store::Event::kReplayStarted:
    case store::Event::kReplayPinned:
    case store::Event::kReplayOutcome:
    case store::Event::kReplayControlled:
      ++size_;  // ReplayTable has what they change, and its rows are written with this tail
      break;
    case store::Event::kSessionOpened:
    case store::Event::kSessionClosed:
    case store::Event::kClientPaused:
    case store::Event::kClientForgotten:
    case store::Event::WHAT_NOT_SET:
      break;
  }
}

void Tail::ApplyAcked(const TailEvent& tail_event) {
  const std::string& client = tail_event.event().client();
  const std::string id = keys::U64(tail_event.id.value);
  for (const auto& part : tail_event.event().acked().channels()) {
    const ChannelId channel{part.channel()};
    for (const auto& run : part.runs()) {
      Put(Family::kHistory, keys::Numbered(client, channel, run.last()), id);
    }
    for (const std::uint64_t seq : part.unparked()) {
      Put(Family::kParked, keys::Numbered(client, channel, seq), std::nullopt);
      Put(Family::kHistory, keys::Numbered(client, channel, seq), id);
    }
    // A row each: a run may lie within one that another replay had acknowledged.
    for (const auto& run : part.replayed()) {
      for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
        Put(Family::kHistory, keys::Numbered(client, channel, seq), id);
      }
    }
  }
}

void Tail::PutLedger(const std::string& client, ChannelId channel, const TailEvent& event) {
  std::string key = keys::Ledger(client, channel);
  event_bytes_ += key.size() + kEntryBytes;
  ledger_[std::move(key)].push_back(event);
  ++size_;
}

void Tail::Put(Family family, std::string key, std::optional<std::string> value) {
  event_bytes_ += key.size() + (value ? value->size() : 0) + kEntryBytes;
  rows_.at(family).insert_or_assign(std::move(key), std::move(value));
  ++size_;
}

std::optional<Position> Tail::PositionOf(ChannelId channel, Seq seq) const {
  const auto found = index_.find(channel);
  if (found == index_.end() || seq < found->second.first) return std::nullopt;
  const std::uint64_t offset = seq.value - found->second.first.value;
  if (offset >= found->second.positions.size()) return std::nullopt;
  return found->second.positions[offset];
}

std::optional<Position> Tail::PositionOfId(ChannelId channel, const keys::IdHash& hash) const {
  const auto found = ids_.find(IdKey{channel, hash});
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace ackwire
