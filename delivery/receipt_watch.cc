#include "delivery/receipt_watch.h"

#include <algorithm>
#include <utility>

#include "store/limits.h"

namespace ackwire {

void ReceiptWatch::Add(Session& watcher, const std::string& user) {
  watchers_[&watcher].user = user;
  by_user_[user].insert(&watcher);
}

void ReceiptWatch::Remove(Session& watcher) {
  const auto found = watchers_.find(&watcher);
  if (found == watchers_.end()) return;
  const Watcher gone = std::move(found->second);
  watchers_.erase(found);
  const auto user = by_user_.find(gone.user);
  user->second.erase(&watcher);
  if (user->second.empty()) by_user_.erase(user);
  for (const Key& key : gone.watched) Unwatch(key, watcher);
}

void ReceiptWatch::OnGroup(const CommittedGroup& group) {
  seen_ = std::max(seen_, group.number);
  if (!by_user_.empty()) {
    for (const StoredMessage& stored : group.messages) OnMessage(stored);
  }
  if (channels_.empty()) return;
  for (const store::Event& event : group.record.events()) OnEvent(event);
  LoadWhatIsDue();
  NoteChanges();
}

void ReceiptWatch::OnMessage(const StoredMessage& stored) {
  const auto user = by_user_.find(std::string(UserOf(stored.message.sender())));
  if (user == by_user_.end()) return;
  const Key key{stored.channel, stored.seq()};
  names_[key] = {stored.message.channel(), stored.message.message_id(), user->second};
  const auto [channel, added] = channels_.try_emplace(key.channel, key.channel);
  channel->second.Track(key.seq);
  touched_.insert(key.channel);
  for (Session* session : user->second) {
    Watcher& watcher = watchers_.at(session);
    watcher.watched.push_back(key);
    if (watcher.watched.size() <= kMessagesWatchedMax) continue;
    const Key oldest = watcher.watched.front();
    watcher.watched.pop_front();
    watcher.changed.erase(oldest);
    Unwatch(oldest, *session);
  }
  if (added) read_members_(key.channel);
}

void ReceiptWatch::OnEvent(const store::Event& event) {
  const auto tell = [&](std::uint64_t id) {
    const auto found = channels_.find(ChannelId{id});
    if (found == channels_.end()) return;
    found->second.OnEvent(event);
    touched_.insert(found->first);
  };
  if (event.has_subscribed()) tell(event.subscribed().channel());
  if (event.has_unsubscribed()) tell(event.unsubscribed().channel());
  if (event.has_parked()) tell(event.parked().channel());
  if (event.has_abandoned()) tell(event.abandoned().channel());
  std::set<std::uint64_t> acked;  // an event may have several parts of a channel
  for (const auto& part : event.acked().channels()) acked.insert(part.channel());
  for (const std::uint64_t id : acked) tell(id);
}

void ReceiptWatch::OnMembers(ChannelId channel, std::vector<std::string> members,
                             JournalNumber up_to) {
  if (!channels_.contains(channel)) return;
  loading_[channel] = {std::move(members), up_to};
  LoadWhatIsDue();
  NoteChanges();
}

void ReceiptWatch::OnNoMembers(ChannelId channel) {
  channels_.erase(channel);
  const auto first = names_.lower_bound({channel, {}});
  names_.erase(first, names_.lower_bound({{channel.value + 1}, {}}));
}

void ReceiptWatch::LoadWhatIsDue() {
  for (auto at = loading_.begin(); at != loading_.end();) {
    const auto& [channel, loading] = *at;
    if (loading.up_to > seen_) {
      ++at;
      continue;
    }
    const auto found = channels_.find(channel);
    if (found != channels_.end()) found->second.Load(loading.members);
    touched_.insert(channel);
    at = loading_.erase(at);
  }
}

void ReceiptWatch::NoteChanges() {
  for (const ChannelId channel : std::exchange(touched_, {})) NoteChangesOf(channel);
}

void ReceiptWatch::NoteChangesOf(ChannelId channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end() || !found->second.loaded()) return;
  for (const Seq seq : found->second.TakeChanged()) {
    const auto names = names_.find({channel, seq});
    if (names == names_.end()) {
      found->second.Forget(seq);  // nobody watches it any more
      continue;
    }
    for (Session* session : names->second.watchers) {
      watchers_.at(session).changed.insert({channel, seq});
    }
  }
  if (found->second.empty()) channels_.erase(found);
}

void ReceiptWatch::Unwatch(const Key& key, Session& watcher) {
  const auto names = names_.find(key);
  if (names == names_.end()) return;
  names->second.watchers.erase(&watcher);
  if (!names->second.watchers.empty()) return;
  names_.erase(names);
  const auto channel = channels_.find(key.channel);
  if (channel == channels_.end()) return;
  channel->second.Forget(key.seq);
  if (channel->second.empty()) channels_.erase(channel);
}

std::optional<Timestamp> ReceiptWatch::NextFrame() const {
  std::optional<Timestamp> next;
  for (const auto& [session, watcher] : watchers_) {
    if (watcher.changed.empty()) continue;
    next = std::min(next.value_or(watcher.next_frame), watcher.next_frame);
  }
  return next;
}

std::vector<Session*> ReceiptWatch::Due(Timestamp now) const {
  std::vector<Session*> due;
  for (const auto& [session, watcher] : watchers_) {
    if (!watcher.changed.empty() && watcher.next_frame <= now) due.push_back(session);
  }
  return due;
}

void ReceiptWatch::Take(Session& session, Timestamp now,
                        const std::function<bool(const frame::Receipt&)>& add) {
  const auto found = watchers_.find(&session);
  if (found == watchers_.end()) return;
  Watcher& watcher = found->second;
  watcher.next_frame = now + kReceiptsInterval;
  while (!watcher.changed.empty()) {
    const Key key = *watcher.changed.begin();
    const auto names = names_.find(key);
    if (names != names_.end()) {
      const ChannelReceipts::Counts counts = channels_.at(key.channel).Of(key.seq);
      const bool taken = add({.channel = names->second.channel,
                              .seq = key.seq,
                              .message_id = names->second.message_id,
                              .owed = counts.owed,
                              .acked = counts.acked,
                              .failed = counts.failed,
                              .users_owed = counts.users_owed,
                              .users_reached = counts.users_reached});
      if (!taken) return;
      if (counts.settled()) {
        std::erase(watcher.watched, key);
        Unwatch(key, session);
      }
    }
    watcher.changed.erase(key);
  }
}

}  // namespace ackwire
