#include "store/staged_group.h"

#include <algorithm>

namespace ackwire {

StagedGroup::StagedGroup(const Derived& derived, const LedgerReader& ledger, Timestamp now)
    : derived_(derived), ledger_(ledger), now_(now) {
  derived_.Read([this](const DerivedView& view) {
    next_position_ = {view.last_position.value + 1};
    next_number_ = {view.last_number.value + 1};
    first_new_channel_ = next_channel_ = {view.channels.size() + 1};
  });
}

const StagedGroup::Channel* StagedGroup::Find(const std::string& name) {
  const auto found = channels_.find(name);
  if (found != channels_.end()) return &found->second;
  const auto known = derived_.Read([&](const DerivedView& view) -> std::optional<Channel> {
    const ChannelInfo* info = view.channels.Find(name);
    if (info == nullptr) return std::nullopt;
    return Channel{info->id, info->first, info->last};
  });
  return known ? &channels_.emplace(name, *known).first->second : nullptr;
}

const StagedGroup::Channel& StagedGroup::FindOrAdd(const std::string& name) {
  if (const Channel* channel = Find(name)) return *channel;
  const Channel added{.id = next_channel_};
  ++next_channel_.value;
  return channels_.emplace(name, added).first->second;
}

const v1::Message* StagedGroup::FindById(ChannelId channel, const std::string& id) const {
  const auto found = by_id_.find({channel, id});
  return found == by_id_.end() ? nullptr : &group_->messages[found->second].message;
}

const v1::Message* StagedGroup::FindBySeq(ChannelId channel, Seq seq) const {
  const auto found = std::find_if(
      group_->messages.begin(), group_->messages.end(),
      [&](const StoredMessage& each) { return each.channel == channel && each.seq() == seq; });
  return found == group_->messages.end() ? nullptr : &found->message;
}

StatusOr<ClientState*> StagedGroup::Client(const std::string& client) {
  const auto found = clients_.find(client);
  if (found != clients_.end()) return &found->second;
  StatusOr<ClientState> stored = ledger_.Client(client);
  if (!stored.ok()) return stored.status();
  return &clients_.emplace(client, *stored).first->second;
}

StatusOr<LedgerEntry*> StagedGroup::Entry(const std::string& client, ChannelId channel) {
  const EntryKey key{client, channel};
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    // Of a channel that this group makes, nothing can be stored.
    StatusOr<LedgerEntry> stored = LedgerEntry();
    if (channel < first_new_channel_) stored = ledger_.Entry(client, channel);
    if (!stored.ok()) return stored.status();
    found = entries_.emplace(key, *std::move(stored)).first;
  }
  IndexEvents();
  if (const auto events = events_of_.find(key); events != events_of_.end()) {
    for (const int index : events->second) {
      const EventId id = EventId::Of(next_number_, static_cast<std::uint64_t>(index));
      found->second.Fold(id, group_->record.events(index), channel);
    }
  }
  return &found->second;
}

StatusOr<std::set<Seq>> StagedGroup::ParkedSeqs(const std::string& client, ChannelId channel) {
  std::set<Seq> parked;
  if (channel < first_new_channel_) {
    const StatusOr<std::vector<Seq>> stored = ledger_.ParkedSeqs(client, channel);
    if (!stored.ok()) return stored.status();
    parked.insert(stored->begin(), stored->end());
  }
  IndexEvents();
  const auto events = events_of_.find({client, channel});
  if (events == events_of_.end()) return parked;
  for (const int index : events->second) {
    const store::Event& event = group_->record.events(index);
    if (event.has_parked()) parked.insert({event.parked().seq()});
    if (event.has_unsubscribed()) parked.clear();
    for (const auto& part : event.acked().channels()) {
      if (part.channel() != channel.value) continue;
      for (const std::uint64_t seq : part.unparked()) parked.erase({seq});
    }
  }
  return parked;
}

void StagedGroup::IndexEvents() {
  for (; events_indexed_ < group_->record.events_size(); ++events_indexed_) {
    const store::Event& event = group_->record.events(events_indexed_);
    for (const ChannelId channel : LedgerChannelsOf(event)) {
      events_of_[{event.client(), channel}].push_back(events_indexed_);
    }
  }
}

const v1::Message& StagedGroup::Add(v1::Message draft) {
  Channel& channel = channels_.at(draft.channel());
  ++channel.last.value;
  draft.set_seq(channel.last.value);
  draft.set_position(next_position_.value);
  ++next_position_.value;
  lasts_[channel.id] = channel.last;
  by_id_[{channel.id, draft.message_id()}] = group_->messages.size();
  group_->messages.push_back({channel.id, std::move(draft)});
  return group_->messages.back().message;
}

EventId StagedGroup::AddUnsubscribed(store::Event event, LedgerEntry entry) {
  const int index = group_->record.events_size();
  endings_.push_back({index, std::move(entry)});
  Add(std::move(event));
  return EventId::Of(next_number_, static_cast<std::uint64_t>(index));
}

Seq StagedGroup::LastOf(ChannelId channel) const {
  const auto found = lasts_.find(channel);
  if (found != lasts_.end()) return found->second;
  return derived_.LastOf(channel);
}

void StagedGroup::CountAbandoned() {
  for (const Ending& ending : endings_) {
    auto& ended = *group_->record.mutable_events(ending.event)->mutable_unsubscribed();
    const Seq last = LastOf({ended.channel()});
    const SeqRuns undelivered = ending.entry.UndeliveredRuns(last);
    ended.set_last(last.value);
    ended.set_undelivered(undelivered.count());
    ended.clear_runs();
    for (const SeqRun& run : undelivered.runs()) {
      store::Run& out = *ended.add_runs();
      out.set_first(run.first.value);
      out.set_last(run.last.value);
    }
  }
}

std::shared_ptr<CommittedGroup> StagedGroup::Finish() {
  if (group_->messages.empty() && group_->record.events().empty()) return nullptr;
  CountAbandoned();
  group_->at = now_;
  group_->last = {next_position_.value - 1};
  if (!group_->record.events().empty()) {
    group_->number = next_number_;
    group_->record.set_at_ms(ToUnixMs(now_));
    group_->record.set_position(group_->last.value);
  }
  return std::move(group_);
}

}  // namespace ackwire
