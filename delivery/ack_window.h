// AckWindow numbers a session's deliveries from 1 and knows, for each number that matters still,
// what it was, whether it is in flight and until when it may stay unacknowledged. It decides what
// an acknowledgement covers.
//
// Threads: one owner.
// Bounds:  in flight: whoever sends keeps within the window. Besides these it remembers deliveries
//          that failed and are not acknowledged, at most kEndedRememberedMax among them that come
//          no more, and of each the newest kNumbersRememberedMax numbers. To acknowledge a
//          forgotten number is silent: the delivery comes again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire {

inline constexpr std::size_t kEndedRememberedMax = 4096;
// A client that nacks one message after another has all behind it recalled each time: without a
// bound it could make the server remember the square of its window.
inline constexpr std::size_t kNumbersRememberedMax = 16;

// One message owed to one client.
struct DeliveryKey {
  ChannelId channel;
  Seq seq;
  friend auto operator<=>(const DeliveryKey&, const DeliveryKey&) = default;
};

// What became of a delivery before a replay delivers it again.
enum class SettledAs { kAcked, kParked, kAbandoned };

class AckWindow {
 public:
  enum class State {
    kInFlight,
    kLate,  // its attempt ended, but the client may have it still: any acknowledgement settles it
    kDropped,  // the client dropped it, or may have: only an acknowledgement that names it does
  };
  struct Sent {
    DeliveryKey key;
    std::uint32_t attempt = 0;
    ReplayId replay;                       // zero: it is not a replay's
    SettledAs before = SettledAs::kAcked;  // with a replay
    Timestamp published_at{};
    Timestamp sent_at{};
    State state = State::kInFlight;
    // kParked, kAbandoned: it comes no more, but the client may hold it, and more behind it.
    std::optional<SettledAs> ended_as;
    bool nacked = false;
    bool cut = false;      // late because its connection ended
    bool went_on = false;  // it is in flight once more, after it was cut
    // None until the kernel has taken its last byte; once it is not in flight, what it was.
    std::optional<Timestamp> deadline;
  };

  // In flight from now on; returns its number. `state` and what follows it are this class's to set.
  std::uint64_t Add(const Sent& sent);

  // Starts the deadline, anew if it runs already. A number that is not in flight is left alone.
  void SetDeadline(std::uint64_t number, Timestamp deadline);

  // The client refused this number; returns whether it had before. REQUIRES: Find knows it.
  bool MarkNacked(std::uint64_t number) { return std::exchange(sent_.at(number).nacked, true); }

  // Ends the attempt: no longer in flight. REQUIRES: it is.
  void End(std::uint64_t number, State state);
  // It is late because its connection ended.
  void MarkCut(std::uint64_t number) { sent_.at(number).cut = true; }
  // What was cut is in flight again, with the deadline that it had. REQUIRES: FindCut gave it.
  void GoOn(std::uint64_t number);

  // Forgets all numbers of a delivery that is acknowledged.
  void Forget(const DeliveryKey& key);
  // A delivery is out of attempts: its numbers stay what they are, late or dropped.
  void Park(const DeliveryKey& key) { EndAs(SettledAs::kParked, key); }
  // Nobody wants it any more, expired or dismissed: likewise, for good.
  void Abandon(const DeliveryKey& key) { EndAs(SettledAs::kAbandoned, key); }
  void Abandon(ChannelId channel, SeqRun seqs);
  // The client is past what it was sent before the delivery was abandoned.
  void ForgetAbandoned(const DeliveryKey& key);
  // Forgets all numbers of a channel: its subscription has ended.
  void Forget(ChannelId channel);
  // The client dropped these, whatever the number under which it was sent them. What is in flight
  // stays so.
  void Drop(ChannelId channel, SeqRun seqs);

  // After a session was resumed: an acknowledgement up to some number no longer covers what an
  // earlier connection was sent beyond this one.
  void DropBeyond(std::uint64_t number);

  // The numbers that an acknowledgement up to and including `number` settles, oldest first.
  [[nodiscard]] std::vector<std::uint64_t> CoveredUpTo(std::uint64_t number) const;

  // Null when the number was never sent or is settled.
  [[nodiscard]] const Sent* Find(std::uint64_t number) const;
  [[nodiscard]] bool WasSent(std::uint64_t number) const {
    return number > 0 && number <= last_number_;
  }
  // The number under which it is in flight; none when it is not.
  [[nodiscard]] std::optional<std::uint64_t> InFlight(const DeliveryKey& key) const;
  // Of what is owed, what is late only because its connection ended, up to and including `number`:
  // not what was sent or settled since. In order of number.
  [[nodiscard]] std::vector<std::uint64_t> FindCut(std::uint64_t number) const;
  // In order of number.
  [[nodiscard]] std::vector<std::uint64_t> AllInFlight() const;
  // Those in flight whose deadline is not after `now`, in order of number.
  [[nodiscard]] std::vector<std::uint64_t> Overdue(Timestamp now) const;
  [[nodiscard]] std::optional<Timestamp> NextDeadline() const;

  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  // Of what is owed, not of replays.
  [[nodiscard]] std::size_t in_flight(ChannelId channel) const {
    const auto found = owed_in_flight_.find(channel);
    return found == owed_in_flight_.end() ? 0 : found->second;
  }
  [[nodiscard]] std::uint64_t last_number() const { return last_number_; }

 private:
  void EndAs(SettledAs what, const DeliveryKey& key);
  void Erase(std::uint64_t number);

  std::uint64_t last_number_ = 0;
  std::size_t in_flight_ = 0;
  std::map<ChannelId, std::size_t> owed_in_flight_;
  std::map<std::uint64_t, Sent> sent_;
  std::map<DeliveryKey, std::set<std::uint64_t>> numbers_;
  std::set<std::pair<Timestamp, std::uint64_t>> deadlines_;
  std::set<std::pair<std::uint64_t, DeliveryKey>> ended_;  // with the newest number
};

}  // namespace ackwire
