// ReceiptWatch tells sessions what becomes of the messages that their users publish: what was
// committed in, frames out. Of an I/O thread's sessions those that asked for it are watchers.
//
// Threads: one owner. Without I/O: it says which channel's members it needs, and is given them.
// Bounds:  kMessagesWatchedMax messages of a watcher, the newest; what ChannelReceipts keeps of
//          each channel in which one of them is.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "delivery/channel_receipts.h"
#include "delivery/server_frame.h"
#include "store/committed_group.h"
#include "store/types.h"

namespace ackwire {

class Session;

inline constexpr std::size_t kMessagesWatchedMax = 1000;
// At most five frames a second for a watcher.
inline constexpr Duration kReceiptsInterval{200};

class ReceiptWatch {
 public:
  // `seen`: what was recorded until then comes in no group. `read_members` is called for a channel
  // of which OnMembers, or OnNoMembers, is to be told.
  using ReadMembers = std::function<void(ChannelId)>;
  ReceiptWatch(JournalNumber seen, ReadMembers read_members)
      : seen_(seen), read_members_(std::move(read_members)) {}

  // The session is told of the messages of `user` that come from now on.
  void Add(Session& watcher, const std::string& user);
  void Remove(Session& watcher);

  // All groups, in order.
  void OnGroup(const CommittedGroup& group);
  // A channel's members as they were when `up_to` was the last record, or before.
  void OnMembers(ChannelId channel, std::vector<std::string> members, JournalNumber up_to);
  // They cannot be read: nothing is told of what is watched in the channel.
  void OnNoMembers(ChannelId channel);

  // When the next frame is due.
  [[nodiscard]] std::optional<Timestamp> NextFrame() const;
  // Those to whom one is due.
  [[nodiscard]] std::vector<Session*> Due(Timestamp now) const;
  // What is to be told, as long as `add` takes it; the rest is due after kReceiptsInterval again.
  void Take(Session& watcher, Timestamp now, const std::function<bool(const frame::Receipt&)>& add);

 private:
  struct Key {
    ChannelId channel;
    Seq seq;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Watcher {
    std::string user;
    std::deque<Key> watched;  // oldest first; those that were settled are not in `names_` any more
    std::set<Key> changed;
    Timestamp next_frame{};
  };
  struct Names {
    std::string channel;
    std::string message_id;
    std::set<Session*> watchers;
  };
  struct Loading {
    std::vector<std::string> members;
    JournalNumber up_to;
  };

  void OnMessage(const StoredMessage& stored);
  void OnEvent(const store::Event& event);
  void LoadWhatIsDue();
  void NoteChanges();
  void NoteChangesOf(ChannelId channel);
  void Unwatch(const Key& key, Session& watcher);

  JournalNumber seen_;
  const ReadMembers read_members_;
  absl::flat_hash_map<Session*, Watcher> watchers_;
  absl::flat_hash_map<std::string, std::set<Session*>> by_user_;
  std::map<Key, Names> names_;
  std::map<ChannelId, ChannelReceipts> channels_;
  std::map<ChannelId, Loading> loading_;  // read, but groups are still to come
  std::set<ChannelId> touched_;           // of channels_, since changes were noted last
};

}  // namespace ackwire
