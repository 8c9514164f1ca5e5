// ChannelReceipts counts what becomes of some of a channel's messages, from what is committed: no
// acknowledgement costs a read. It needs the channel's members once; what is committed until they
// are known waits, and is counted then as if they had been known from the beginning.
//
// Threads: one owner. Without I/O.
// Bounds:  the names of the channel's members, and of each message two bits for each user.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "store/records.pb.h"
#include "store/types.h"

namespace ackwire {

class ChannelReceipts {
 public:
  explicit ChannelReceipts(ChannelId channel) : channel_(channel) {}

  // In the order of the commits, from the first message that is tracked on: of each commit its
  // messages, then its events. An event that is not of this channel changes nothing.
  void Track(Seq seq);
  void OnEvent(const store::Event& event);

  // The channel's members at a moment of which all commits have been told.
  void Load(const std::vector<std::string>& members);
  [[nodiscard]] bool loaded() const { return loaded_; }

  void Forget(Seq seq) { messages_.erase(seq); }
  // Nothing is tracked, and no members are awaited.
  [[nodiscard]] bool empty() const { return loaded_ && messages_.empty(); }

  struct Counts {
    std::uint64_t owed = 0;
    std::uint64_t acked = 0;
    std::uint64_t failed = 0;
    std::uint64_t users_owed = 0;
    std::uint64_t users_reached = 0;
    // Nothing will change any more, but for a parked delivery that is acknowledged after all.
    [[nodiscard]] bool settled() const { return acked + failed >= owed; }
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  // REQUIRES: the message is tracked, and the members are loaded.
  [[nodiscard]] const Counts& Of(Seq seq) const { return messages_.at(seq).counts; }
  [[nodiscard]] bool Has(Seq seq) const { return messages_.contains(seq); }
  // Those whose counts changed since they were taken last; all tracked ones when they are loaded.
  [[nodiscard]] std::set<Seq> TakeChanged() { return std::exchange(changed_, {}); }

 private:
  using User = std::uint32_t;
  struct Message {
    Counts counts;
    std::vector<bool> owed;                 // by user
    std::vector<bool> reached;              // likewise
    absl::flat_hash_set<std::string> left;  // without it: they may come back
  };
  using Tracked = std::pair<const Seq, Message>;

  void Apply(Seq seq);
  void Apply(const store::Event& event);
  void OnSubscribed(const std::string& client, Seq start);
  void OnUnsubscribed(const std::string& client, const store::Unsubscribed& event);
  void OnAcked(const std::string& client, const store::AckedChannel& part);
  // Whether the event is the client's coming (true) or going, of this channel.
  enum class Membership { kNone, kComes, kGoes };
  [[nodiscard]] Membership MembershipOf(const store::Event& event) const;
  [[nodiscard]] User UserOfClient(const std::string& client);
  void Owe(Message& message, User user);
  void Reach(Message& message, User user);
  // fn(Tracked&) with each tracked message of the run.
  template <typename Run, typename F>
  void ForEachIn(const Run& run, F&& fn);

  const ChannelId channel_;
  bool loaded_ = false;
  std::vector<std::variant<Seq, store::Event>> waiting_;  // until it is loaded
  absl::flat_hash_set<std::string> members_;
  absl::flat_hash_map<std::string, User> users_;
  std::vector<std::uint32_t> devices_;  // of each user, those that are members
  std::map<Seq, Message> messages_;
  std::set<Seq> changed_;
};

}  // namespace ackwire
