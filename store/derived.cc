#include "store/derived.h"

#include <mutex>

#include "store/channel_rows.h"
#include "store/check.h"
#include "store/derived_rows.h"
#include "store/proto_time.h"
#include "store/recovery.h"
#include "store/replay_rows.h"

namespace ackwire {

std::optional<Position> DerivedView::PositionOf(ChannelId channel, Seq seq) const {
  const auto found = active.PositionOf(channel, seq);
  return found || frozen == nullptr ? found : frozen->PositionOf(channel, seq);
}

std::optional<Position> DerivedView::PositionOfId(ChannelId channel,
                                                  const keys::IdHash& hash) const {
  const auto found = active.PositionOfId(channel, hash);
  return found || frozen == nullptr ? found : frozen->PositionOfId(channel, hash);
}

Status Derived::Load() {
  if (Status status = LoadChannels(); !status.ok()) return status;
  StatusOr<ReplayTable> replays = ReadReplays(database_);
  if (!replays.ok()) return replays.status();
  replays_ = *std::move(replays);
  const StatusOr<store::DerivedCheckpoint> checkpoint = ReadCheckpoint(database_);
  if (!checkpoint.ok()) return checkpoint.status();
  totals_ = {checkpoint->undelivered(), checkpoint->parked(), checkpoint->clients()};
  last_position_ = Position{checkpoint->position()};
  last_number_ = JournalNumber{checkpoint->journal_number()};
  return OkStatus();
}

Status Derived::Recover() {
  if (Status status = Load(); !status.ok()) return status;
  Status status = FoldFrom(database_, {last_position_, last_number_}, [this](const auto& group) {
    Apply(group);
    return Fold::kOn;
  });
  if (!status.ok() || channels_.complete()) return status;
  return Error(StatusCode::kDataLoss, "a channel is missing from both channels and log");
}

Status Derived::LoadChannels() {
  const StatusOr<std::vector<ChannelInfo>> channels = ReadChannels(database_);
  if (!channels.ok()) return channels.status();
  unheard_ = 0;
  for (const ChannelInfo& stored : *channels) {
    if (stored.name.empty()) continue;  // it has its place by those behind it
    ChannelInfo& channel = channels_.GetOrAdd(stored.id, stored.name);
    channel.first = stored.first;
    channel.last = stored.last;
    channel.subscriptions = stored.subscriptions;
    channel.last_published_at = stored.last_published_at;
    channel.unheard = stored.unheard;
    unheard_ += stored.unheard;
  }
  return OkStatus();
}

void Derived::Apply(const SharedGroup& group) {
  std::unique_lock lock(mutex_);
  ApplyMessages(*group);
  for (int i = 0; i < group->record.events_size(); ++i) {
    const store::Event& event = group->record.events(i);
    ApplyEvent(event);
    replays_.Apply(EventId::Of(group->number, static_cast<std::uint64_t>(i)), event);
  }
  active_->Apply(group);
  last_position_ = group->last;
  if (group->number.value != 0) last_number_ = group->number;
}

void Derived::ApplyMessages(const CommittedGroup& group) {
  for (const StoredMessage& stored : group.messages) {
    ChannelInfo& channel = channels_.GetOrAdd(stored.channel, stored.message.channel());
    channel.last = stored.seq();
    channel.last_published_at = TimeOf(stored.message.published_at());
    totals_.undelivered += channel.subscriptions;
    if (channel.subscriptions > 0) continue;
    ++channel.unheard;
    ++unheard_;
  }
}

void Derived::ApplyEvent(const store::Event& event) {
  const auto count = [](const auto& runs) {
    std::uint64_t seqs = 0;
    for (const auto& run : runs) seqs += run.last() - run.first() + 1;
    return seqs;
  };
  switch (event.what_case()) {
    case store::Event::kSessionOpened:
      totals_.clients += event.session_opened().new_client() ? 1 : 0;
      break;
    case store::Event::kSubscribed: {
      const auto& subscribed = event.subscribed();
      ChannelInfo& channel =
          channels_.GetOrAdd(ChannelId{subscribed.channel()}, subscribed.channel_name());
      ++channel.subscriptions;
      totals_.clients += subscribed.new_client() ? 1 : 0;
      if (subscribed.start() <= channel.last.value) {
        totals_.undelivered += channel.last.value - subscribed.start() + 1;
      }
      break;
    }
    case store::Event::kUnsubscribed: {
      const auto& unsubscribed = event.unsubscribed();
      ChannelInfo& channel = channels_.GetOrAdd(ChannelId{unsubscribed.channel()}, "");
      --channel.subscriptions;
      totals_.undelivered -= unsubscribed.undelivered();
      totals_.parked -= static_cast<std::uint64_t>(unsubscribed.parked_size());
      break;
    }
    case store::Event::kAcked:
      for (const auto& part : event.acked().channels()) {
        totals_.undelivered -= count(part.runs());
        totals_.parked -= static_cast<std::uint64_t>(part.unparked_size());
      }
      break;
    case store::Event::kParked:
      ++totals_.parked;
      --totals_.undelivered;
      break;
    case store::Event::kAbandoned:
      totals_.undelivered -= count(event.abandoned().runs());
      totals_.parked -= static_cast<std::uint64_t>(event.abandoned().unparked_size());
      break;
    case store::Event::kClientPaused:
      totals_.clients += event.client_paused().new_client() ? 1 : 0;
      break;
    case store::Event::kClientForgotten:
      totals_.clients -= event.client_forgotten().counted() ? 1 : 0;
      break;
    case store::Event::kRemoved:
      Remove(event.removed());
      break;
    case store::Event::kChannelMade:
      channels_.GetOrAdd({event.channel_made().channel()}, event.channel_made().channel_name());
      break;
    default:
      break;  // session closed, failed: nothing is counted
  }
}

// What a client is owed no more is abandoned by events of its own.
void Derived::Remove(const store::Removed& removed) {
  Seq& first = channels_.GetOrAdd({removed.channel()}, "").first;
  for (const auto& run : removed.runs()) {
    if (run.first() <= first.value && run.last() >= first.value) first = {run.last() + 1};
  }
}

namespace {

// Whether the tail has a `part`th of what both may have.
bool Passes(const Tail& tail, std::size_t part) {
  return tail.size() >= kTailEntriesMax / part || tail.bytes() >= kTailBytesMax / part;
}

}  // namespace

bool Derived::IsDue() const {
  // Half of its half: what comes while the other half is written has room.
  return Read([](const DerivedView& view) {
    return Passes(view.active, 4) || view.active.event_bytes() >= kDueEventBytes;
  });
}

bool Derived::HasRoomLocked() const {
  return !failure_.ok() || frozen_ == nullptr || !Passes(*active_, 2);
}

bool Derived::HasRoom() const {
  std::shared_lock lock(mutex_);
  return HasRoomLocked();
}

Status Derived::WaitForRoom() {
  std::shared_lock lock(mutex_);
  room_.wait(lock, [this] { return HasRoomLocked(); });
  return failure_;
}

void Derived::Fail(const Status& why) {
  std::unique_lock lock(mutex_);
  failure_ = why;
  room_.notify_all();
}

std::optional<std::optional<std::string>> Derived::TailRow(Family family,
                                                           const std::string& key) const {
  return Read([&](const DerivedView& view) -> std::optional<std::optional<std::string>> {
    for (const Tail* tail : {&view.active, view.frozen}) {
      if (tail == nullptr) continue;
      const auto found = tail->rows(family).find(key);
      if (found != tail->rows(family).end()) return found->second;
    }
    return std::nullopt;
  });
}

Tail::Rows Derived::TailRows(Family family, const Database::Range& range) const {
  return Read([&](const DerivedView& view) {
    Tail::Rows out;
    for (const Tail* tail : {&view.active, view.frozen}) {
      if (tail == nullptr) continue;
      const Tail::Rows& rows = tail->rows(family);
      // insert keeps what the newer tail put there.
      out.insert(rows.lower_bound(range.from), rows.lower_bound(range.to));
    }
    return out;
  });
}

Derived::TailPart Derived::TailRowsUpTo(Family family, const Database::Range& range,
                                        std::size_t limit) const {
  return Read([&](const DerivedView& view) {
    TailPart part{{}, range.to};
    const Tail* const tails[] = {&view.active, view.frozen};
    for (const Tail* tail : tails) {
      if (tail == nullptr) continue;
      const Tail::Rows& rows = tail->rows(family);
      auto at = rows.lower_bound(range.from);
      const auto behind = rows.lower_bound(part.end);
      for (std::size_t i = 0; i < limit && at != behind; ++i) ++at;
      if (at != behind) part.end = at->first;
    }
    for (const Tail* tail : tails) {
      if (tail == nullptr) continue;
      const Tail::Rows& rows = tail->rows(family);
      // insert keeps what the newer tail put there.
      part.rows.insert(rows.lower_bound(range.from), rows.lower_bound(part.end));
    }
    return part;
  });
}

std::vector<std::string> Derived::TailKeys(Family family, const Database::Range& range,
                                           std::size_t limit, bool from_end) const {
  return Read([&](const DerivedView& view) {
    std::vector<std::string> keys;
    for (const Tail* tail : {&view.active, view.frozen}) {
      if (tail == nullptr) continue;
      const Tail::Rows& rows = tail->rows(family);
      auto first = rows.lower_bound(range.from);
      auto behind = rows.lower_bound(range.to);
      for (std::size_t i = 0; i < limit && first != behind; ++i) {
        keys.push_back(from_end ? (--behind)->first : (first++)->first);
      }
    }
    return keys;
  });
}

std::optional<FrozenTail> Derived::Freeze() {
  std::unique_lock lock(mutex_);
  if (frozen_ != nullptr || active_->size() == 0) return std::nullopt;
  frozen_ = std::exchange(active_, std::make_shared<Tail>(active_->ids().size()));
  room_.notify_all();
  FrozenTail frozen{frozen_, totals_, last_number_, {}, replays_.TakeChanges()};
  for (const ChannelId id : frozen_->changed_channels()) {
    frozen.channels.push_back(*channels_.Get(id));
  }
  return frozen;
}

void Derived::DropFrozen() {
  std::unique_lock lock(mutex_);
  frozen_.reset();
  room_.notify_all();
}

Position Derived::last_position() const {
  return Read([](const DerivedView& view) { return view.last_position; });
}

JournalNumber Derived::last_number() const {
  return Read([](const DerivedView& view) { return view.last_number; });
}

Seq Derived::LastOf(ChannelId channel) const {
  return Read([channel](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Get(channel);
    return info == nullptr ? Seq{} : info->last;
  });
}

ChannelId Derived::IdOf(const std::string& channel_name) const {
  return Read([&channel_name](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(channel_name);
    return info == nullptr ? ChannelId{} : info->id;
  });
}

}  // namespace ackwire
