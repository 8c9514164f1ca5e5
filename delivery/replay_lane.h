// ReplayLane is what a connected client is still to be sent of replays, beside what it is owed:
// what waits for its turn, what is in flight, and what failed and is tried again. Nothing of it
// holds anything up.
//
// Threads: one owner, the ClientLedger.
// Bounds:  whoever hands deliveries over keeps within kReplayLaneMax. The last kEndedRememberedMax
//          that were settled are remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "delivery/ack_window.h"
#include "store/types.h"

namespace ackwire {

inline constexpr std::size_t kReplayLaneMax = 64;

struct ReplayDelivery {
  ReplayId replay;
  DeliveryKey key;
  std::uint32_t attempts = 0;  // sendings so far, in whatever session and replay
  SettledAs before = SettledAs::kAcked;
};

class ReplayLane {
 public:
  struct Item {
    std::vector<ReplayId> replays;    // that deliver it: by one sending
    std::vector<ReplayId> withdrawn;  // that have it in flight, and send it no more
    std::uint32_t attempts = 0;
    std::uint32_t failures = 0;  // that count, in this session
    SettledAs before = SettledAs::kAcked;
    std::optional<Timestamp> due;  // none: it is in flight
  };

  // One that is here already is not sent once more for it.
  void Add(const ReplayDelivery& delivery, Timestamp now);

  // What is due by now may be sent.
  void Wake(Timestamp now);
  // When Wake may have something to do.
  [[nodiscard]] std::optional<Timestamp> NextDue() const;
  // The one to send next; none when none is due.
  [[nodiscard]] std::optional<DeliveryKey> FindNext() const;

  // The same for one that is in flight already.
  void AddInFlight(const ReplayDelivery& delivery);

  // It goes into flight. REQUIRES: FindNext gave it.
  const Item& Send(const DeliveryKey& key);
  // It was in flight, and is tried again for the replays that were not withdrawn.
  void Retry(const DeliveryKey& key, Timestamp due);
  // Some replay is to send it again when it fails. REQUIRES: Has.
  [[nodiscard]] bool IsWanted(const DeliveryKey& key) const {
    return !items_.at(key).replays.empty();
  }
  // Counts a failure, and returns how many there were.
  std::uint32_t CountFailure(const DeliveryKey& key);

  // Takes it out; none when it is not here.
  std::optional<Item> Take(const DeliveryKey& key);
  // With all that is known of the channel.
  std::vector<std::pair<DeliveryKey, Item>> Take(ChannelId channel);
  // Takes a replay's deliveries out. What is in flight stays so, until it ends, and is not sent
  // again; returns the others.
  std::vector<DeliveryKey> Withdraw(ReplayId replay);

  // What became of a delivery in this session. Whoever hands it over as something else has looked
  // before that was on record.
  void Remember(const DeliveryKey& key, SettledAs what);
  [[nodiscard]] std::optional<SettledAs> Remembered(const DeliveryKey& key) const;

  [[nodiscard]] bool Has(const DeliveryKey& key) const { return items_.contains(key); }
  // When it may be sent; none when it is in flight, or not here.
  [[nodiscard]] std::optional<Timestamp> DueOf(const DeliveryKey& key) const {
    const auto found = items_.find(key);
    return found == items_.end() ? std::nullopt : found->second.due;
  }
  [[nodiscard]] std::size_t in_flight() const {
    return items_.size() - ready_.size() - waiting_.size();
  }

 private:
  std::map<DeliveryKey, Item> items_;
  std::set<DeliveryKey> ready_;
  std::set<std::pair<Timestamp, DeliveryKey>> waiting_;  // ready then
  std::map<DeliveryKey, SettledAs> remembered_;
  std::deque<DeliveryKey> remembered_order_;
};

}  // namespace ackwire
