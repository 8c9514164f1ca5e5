// ChannelTable is every channel there is, resident: the writer looks a channel up for each message.
//
// Threads: guarded by its owner, Derived.
// Bounds:  some 200 bytes a channel; a million of them take 200 MB.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "store/types.h"

namespace ackwire {

struct ChannelInfo {
  ChannelId id;
  std::string name;
  Seq first{1};  // oldest still stored
  Seq last;
  std::uint64_t subscriptions = 0;
  Timestamp last_published_at{};
  std::uint64_t unheard = 0;  // messages published while nobody was subscribed
};

class ChannelTable {
 public:
  ChannelTable() = default;
  ChannelTable(ChannelTable&&) = default;  // a copy's keys would be the names of the original
  // Null when there is no such channel. Pointers stay valid, and so do the names.
  [[nodiscard]] const ChannelInfo* Find(std::string_view name) const;
  [[nodiscard]] const ChannelInfo* Get(ChannelId id) const;

  // The channel, made when there is none of this id yet. A commit's messages are folded before its
  // subscriptions, so a channel may come before another of a lower id that the same commit made:
  // that one has its place then, and gets its name when it comes. REQUIRES: id from 1.
  ChannelInfo& GetOrAdd(ChannelId id, const std::string& name);

  // False while a place has no name yet; true between commits.
  [[nodiscard]] bool complete() const { return by_name_.size() == channels_.size(); }

  // Channels whose names begin with `prefix` and come after `after`, in order of name.
  struct Page {
    std::string prefix;
    std::string after;
    std::size_t limit = 0;
  };
  [[nodiscard]] std::vector<ChannelInfo> List(const Page& page) const;

  [[nodiscard]] std::size_t size() const { return channels_.size(); }

 private:
  std::deque<ChannelInfo> channels_;  // by id - 1; their names are the keys below
  absl::flat_hash_map<std::string_view, ChannelId> by_name_;
  absl::btree_set<std::string_view> names_;  // in order, for lists
};

}  // namespace ackwire
