// ChannelFeed is one subscription of a connected client: it decides which of the channel's seqs is
// to be sent next, and holds the ledger entry while the session lasts. Catching up and live are the
// same to it: the next seq is simply below the channel's last one or not.
//
// Threads: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "delivery/policy.h"
#include "store/ledger_entry.h"
#include "store/types.h"

namespace ackwire {

// How many failed deliveries of one subscription may wait to be sent again, or cannot be read: then
// no new ones are sent until some are settled. Without it a client that nacks all of an unordered
// channel would have the server remember all of it.
inline constexpr std::size_t kWaitingMax = 4096;

class ChannelFeed {
 public:
  ChannelFeed(std::string name, LedgerEntry entry, Seq last,
              std::shared_ptr<const ChannelPolicy> policy);

  // It holds for what is sent and fails from now on.
  void SetPolicy(std::shared_ptr<const ChannelPolicy> policy);

  // The channel has grown up to `last`.
  void Extend(Seq last);

  // The seq to send next, and when at the earliest; none when there is nothing, or when it waits
  // for an earlier message that failed.
  struct Next {
    Seq seq;
    Timestamp due{};
  };
  [[nodiscard]] std::optional<Next> FindNext(Timestamp now) const;

  // `seq` goes into flight. Returns the number of the attempt.
  std::uint32_t Send(Seq seq);

  // `seq` is in flight since an earlier connection, and goes on being so.
  void GoOn(Seq seq);

  // An attempt ended without settling it: it waits to be sent again.
  void Fail(Seq seq, const Retry& retry);

  // What settles it also ends its waiting.
  void Settle(SeqRun seqs);
  void Settle(Seq seq) { Settle({seq, seq}); }
  void Park(Seq seq);
  // It cannot be read: it is not sent for as long as this session lasts, and in an ordered channel
  // nothing beyond it.
  void Hold(Seq seq);
  // It was parked, and is acknowledged or dismissed.
  void Unpark() { entry_.Unpark(); }

  // The earlier message that holds back all beyond it; none when nothing is held back.
  [[nodiscard]] std::optional<Seq> blocked_by() const;
  // Too much of it is not settled in order, or waits to be sent again, for anything new.
  [[nodiscard]] bool IsFull() const;
  [[nodiscard]] bool IsHeld(Seq seq) const { return held_.contains(seq); }
  [[nodiscard]] bool holds_any() const { return !held_.empty(); }
  // True when a message that failed, or cannot be read, holds back others.
  [[nodiscard]] bool blocked() const;
  // How many failures of `seq` count towards max-attempts.
  [[nodiscard]] std::uint32_t CountedFailures(Seq seq) const;
  [[nodiscard]] std::uint64_t undelivered() const { return entry_.Undelivered(last_); }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const LedgerEntry& entry() const { return entry_; }
  [[nodiscard]] Seq last() const { return last_; }
  [[nodiscard]] const ChannelPolicy& policy() const { return *policy_; }
  [[nodiscard]] Ordering ordering() const { return policy_->ordering; }

 private:
  [[nodiscard]] std::optional<Next> FindNextOrdered() const;
  [[nodiscard]] std::optional<Next> FindNextUnordered(Timestamp now) const;
  [[nodiscard]] bool HasFresh() const;
  [[nodiscard]] Timestamp DueOf(Seq seq) const;

  const std::string name_;
  std::shared_ptr<const ChannelPolicy> policy_;
  LedgerEntry entry_;
  Seq last_;               // of the channel
  Seq next_;               // the lowest that this session has not sent
  std::set<Seq> again_;    // below next_: to be sent again
  std::set<Seq> failing_;  // unsettled, with failures that count
  std::set<Seq> held_;     // below next_: cannot be read
};

}  // namespace ackwire
