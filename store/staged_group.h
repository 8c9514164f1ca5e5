// StagedGroup is a commit in the making: what it has assigned so far, ahead of the derived state.
//
// Threads: the writer thread only.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "store/committed_group.h"
#include "store/derived.h"
#include "store/ledger_fold.h"
#include "store/ledger_reader.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class StagedGroup {
 public:
  struct Channel {
    ChannelId id;
    Seq first{1};
    Seq last;
  };

  struct Sources {
    const Derived& derived;
    const LedgerReader& ledger;
  };
  // At most `messages` will come.
  StagedGroup(const Sources& sources, Timestamp now, std::size_t messages);

  // Null when there is no such channel yet. All three hold until the next call.
  [[nodiscard]] Channel* Find(std::string_view name);
  [[nodiscard]] Channel& FindOrAdd(const std::string& name);
  // One that there was before this group: only this thread changes it.
  [[nodiscard]] Channel& Of(const ChannelInfo& stored);

  // What this group itself holds; null when it does not.
  [[nodiscard]] const v1::Message* FindById(const IdKey& id) const;
  [[nodiscard]] const v1::Message* FindBySeq(ChannelId channel, Seq seq);

  // The stored state; what this group changes in it is for the caller to write there. kDataLoss for
  // a damaged row.
  [[nodiscard]] StatusOr<ClientState*> Client(const std::string& client);
  // The stored state with what this group holds folded onto it. kDataLoss for a damaged row.
  [[nodiscard]] StatusOr<LedgerEntry*> Entry(const std::string& client, ChannelId channel);

  // The seqs that are parked, likewise: all, and those of a run.
  [[nodiscard]] StatusOr<std::set<Seq>> ParkedSeqs(const std::string& client, ChannelId channel);
  [[nodiscard]] StatusOr<std::set<Seq>> ParkedSeqs(const std::string& client, ChannelId channel,
                                                   SeqRun within);

  [[nodiscard]] StatusOr<bool> IsParked(const std::string& client, ChannelId channel, Seq seq);

  // A channel's last seq after the messages that the group has now.
  [[nodiscard]] Seq LastOf(ChannelId channel);

  // Gives the message the next seq of its channel and the next position. `hash` is its id's.
  const StoredMessage& Add(Channel& channel, v1::Message&& draft, const keys::IdHash& hash);
  // Of the event that is added next.
  [[nodiscard]] EventId NextEventId() const {
    return EventId::Of(next_number_, static_cast<std::uint64_t>(group_->record.events_size()));
  }
  void Add(store::Event event) { *group_->record.add_events() = std::move(event); }
  void AddForgotten(store::Event event);
  // Whether this group does so. What comes behind it would bring the client's name back.
  [[nodiscard]] bool Forgets(const std::string& client) const {
    return forgotten_.contains(client);
  }
  // Adds the event that makes a subscription, and folds it onto `entry`, which Entry gave.
  void AddSubscribed(store::Event event, LedgerEntry& entry);
  // `entry` is what ends. Whoever sent the event may not have seen the newest messages, so Finish
  // counts what the end abandons: all that is undelivered once the group's messages are folded.
  EventId AddUnsubscribed(store::Event event, LedgerEntry entry);

  // The group, to be written; null when there is nothing in it. Nothing else may follow.
  [[nodiscard]] std::shared_ptr<CommittedGroup> Finish();

  [[nodiscard]] Timestamp now() const { return now_; }

 private:
  struct Ending {
    int event = 0;  // its index in the record
    LedgerEntry entry;
  };

  void IndexEvents();
  // What this group's events have parked since, and what they have unparked.
  void FoldParked(const std::string& client, ChannelId channel, std::set<Seq>& parked);
  void IndexMessages();
  void CountAbandoned();
  const Derived& derived_;
  const LedgerReader& ledger_;
  const Timestamp now_;
  std::shared_ptr<CommittedGroup> group_ = std::make_shared<CommittedGroup>();
  Position next_position_;
  JournalNumber next_number_;
  ChannelId first_new_channel_;
  ChannelId next_channel_;
  absl::flat_hash_map<ChannelId, Channel> channels_;
  absl::flat_hash_map<std::string, ChannelId> new_channels_;  // by name
  absl::flat_hash_map<IdKey, std::size_t, IdKey::Hash> by_id_;
  // Nodes: who asks for one state may hold another.
  absl::node_hash_map<std::string, ClientState> clients_;
  using EntryKey = std::pair<std::string, ChannelId>;
  absl::node_hash_map<EntryKey, LedgerEntry> entries_;
  // By ledger row, the record's events up to `events_indexed_`, without those that entries have
  // already: made only when an entry is asked for.
  absl::flat_hash_map<EntryKey, std::vector<int>> events_of_;
  int events_indexed_ = 0;
  std::vector<Ending> endings_;
  absl::flat_hash_set<std::string> forgotten_;
  // By channel, the places of its messages in this group up to `messages_indexed_`, whose seqs are
  // dense: made only when one is asked for.
  absl::flat_hash_map<ChannelId, std::vector<std::size_t>> messages_of_;
  std::size_t messages_indexed_ = 0;
};

}  // namespace ackwire
