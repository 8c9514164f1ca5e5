#include "store/staged_group.h"

namespace ackwire {

StagedGroup::StagedGroup(const Sources& sources, Timestamp now, std::size_t messages)
    : derived_(sources.derived), ledger_(sources.ledger), now_(now) {
  group_->messages.reserve(messages);
  by_id_.reserve(messages);
  derived_.Read([this](const DerivedView& view) {
    next_position_ = {view.last_position.value + 1};
    next_number_ = {view.last_number.value + 1};
    first_new_channel_ = next_channel_ = {view.channels.size() + 1};
  });
}

StagedGroup::Channel* StagedGroup::Find(std::string_view name) {
  const ChannelInfo* stored =
      derived_.Read([name](const DerivedView& view) { return view.channels.Find(name); });
  if (stored != nullptr) return &Of(*stored);
  const auto added = new_channels_.find(absl::string_view(name.data(), name.size()));
  return added == new_channels_.end() ? nullptr : &channels_.at(added->second);
}

StagedGroup::Channel& StagedGroup::Of(const ChannelInfo& stored) {
  return channels_.try_emplace(stored.id, Channel{stored.id, stored.first, stored.last})
      .first->second;
}

StagedGroup::Channel& StagedGroup::FindOrAdd(const std::string& name) {
  if (Channel* channel = Find(name)) return *channel;
  const ChannelId id = next_channel_;
  ++next_channel_.value;
  new_channels_.emplace(name, id);
  return channels_.emplace(id, Channel{.id = id}).first->second;
}

const v1::Message* StagedGroup::FindById(const IdKey& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &group_->messages[found->second].message;
}

const v1::Message* StagedGroup::FindBySeq(ChannelId channel, Seq seq) {
  IndexMessages();
  const auto found = messages_of_.find(channel);
  if (found == messages_of_.end()) return nullptr;
  const std::vector<std::size_t>& places = found->second;
  const std::uint64_t first = group_->messages[places.front()].seq().value;
  if (seq.value < first || seq.value - first >= places.size()) return nullptr;
  return &group_->messages[places[seq.value - first]].message;
}

void StagedGroup::IndexMessages() {
  for (; messages_indexed_ < group_->messages.size(); ++messages_indexed_) {
    messages_of_[group_->messages[messages_indexed_].channel].push_back(messages_indexed_);
  }
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
  FoldParked(client, channel, parked);
  return parked;
}

StatusOr<std::set<Seq>> StagedGroup::ParkedSeqs(const std::string& client, ChannelId channel,
                                                SeqRun within) {
  std::set<Seq> parked;
  if (channel < first_new_channel_) {
    const StatusOr<SeqRuns> stored = ledger_.ParkedOf(client, channel, within);
    if (!stored.ok()) return stored.status();
    for (const SeqRun& run : stored->runs()) {
      for (Seq seq = run.first; seq <= run.last; ++seq.value) parked.insert(parked.end(), seq);
    }
  }
  FoldParked(client, channel, parked);
  return parked;
}

void StagedGroup::FoldParked(const std::string& client, ChannelId channel, std::set<Seq>& parked) {
  IndexEvents();
  const auto events = events_of_.find({client, channel});
  if (events == events_of_.end()) return;
  for (const int index : events->second) {
    const store::Event& event = group_->record.events(index);
    if (event.has_parked()) parked.insert({event.parked().seq()});
    if (event.has_unsubscribed()) parked.clear();
    for (const auto& part : event.acked().channels()) {
      if (part.channel() != channel.value) continue;
      for (const std::uint64_t seq : part.unparked()) parked.erase({seq});
    }
    for (const std::uint64_t seq : event.abandoned().unparked()) parked.erase({seq});
  }
}

StatusOr<bool> StagedGroup::IsParked(const std::string& client, ChannelId channel, Seq seq) {
  const auto stored = ledger_.ParkedBy(client, channel, seq);
  if (!stored.ok()) return stored.status();
  std::set<Seq> parked;
  if (stored->has_value()) parked.insert(seq);
  FoldParked(client, channel, parked);
  return parked.contains(seq);
}

void StagedGroup::IndexEvents() {
  for (; events_indexed_ < group_->record.events_size(); ++events_indexed_) {
    const store::Event& event = group_->record.events(events_indexed_);
    for (const ChannelId channel : LedgerChannelsOf(event)) {
      events_of_[{event.client(), channel}].push_back(events_indexed_);
    }
  }
}

const StoredMessage& StagedGroup::Add(Channel& channel, v1::Message&& draft,
                                      const keys::IdHash& hash) {
  by_id_[{channel.id, hash}] = group_->messages.size();
  StoredMessage& stored = group_->messages.emplace_back();
  stored.channel = channel.id;
  stored.message = std::move(draft);
  stored.id_hash = hash;
  stored.message.set_seq(++channel.last.value);
  stored.message.set_position(next_position_.value++);
  return stored;
}

void StagedGroup::AddSubscribed(store::Event event, LedgerEntry& entry) {
  IndexEvents();
  const ChannelId channel{event.subscribed().channel()};
  const auto index = static_cast<std::uint64_t>(group_->record.events_size());
  entry.Fold(EventId::Of(next_number_, index), event, channel);
  Add(std::move(event));
  ++events_indexed_;  // a call may make ten thousand: no entry needs to be told again
}

void StagedGroup::AddForgotten(store::Event event) {
  forgotten_.insert(event.client());
  Add(std::move(event));
}

EventId StagedGroup::AddUnsubscribed(store::Event event, LedgerEntry entry) {
  const int index = group_->record.events_size();
  endings_.push_back({index, std::move(entry)});
  Add(std::move(event));
  return EventId::Of(next_number_, static_cast<std::uint64_t>(index));
}

Seq StagedGroup::LastOf(ChannelId channel) {
  IndexMessages();
  const auto found = messages_of_.find(channel);
  if (found != messages_of_.end()) return group_->messages[found->second.back()].seq();
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
