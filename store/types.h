// The numbers of the store, each a type of its own so that they cannot be mixed.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace ackwire {

// Milliseconds since the Unix epoch, UTC.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

inline constexpr Timestamp FromUnixMs(std::int64_t ms) { return Timestamp(Duration(ms)); }
inline constexpr std::int64_t ToUnixMs(Timestamp time) { return time.time_since_epoch().count(); }

// Place of a message in its channel. First message: 1. Zero: "before the first".
struct Seq {
  std::uint64_t value = 0;
  friend auto operator<=>(const Seq&, const Seq&) = default;
};

// Place of a message in the log. First message: 1. Zero: "before the first".
struct Position {
  std::uint64_t value = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

// Place of a record in the journal. First record: 1. Zero: none.
struct JournalNumber {
  std::uint64_t value = 0;
  friend auto operator<=>(const JournalNumber&, const JournalNumber&) = default;
};

// A channel's identity on disk, given in order of first use, from 1. Zero: none.
struct ChannelId {
  std::uint64_t value = 0;
  friend auto operator<=>(const ChannelId&, const ChannelId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ChannelId& id) {
    return H::combine(std::move(h), id.value);
  }
};

// Place of an event in the journal: the record's number and the index in it, as one number
// that orders all events. Zero: before the first.
struct EventId {
  static constexpr int kIndexBits = 20;
  static constexpr std::uint64_t kEventsMax = 1ULL << kIndexBits;

  std::uint64_t value = 0;

  static constexpr EventId Of(JournalNumber number, std::uint64_t index) {
    return EventId{(number.value << kIndexBits) | index};
  }
  [[nodiscard]] constexpr JournalNumber number() const {
    return JournalNumber{value >> kIndexBits};
  }
  [[nodiscard]] constexpr std::uint64_t index() const { return value & (kEventsMax - 1); }
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

// A replay's identity: the EventId of its start. Zero: none.
struct ReplayId {
  std::uint64_t value = 0;
  friend auto operator<=>(const ReplayId&, const ReplayId&) = default;
};

}  // namespace ackwire
