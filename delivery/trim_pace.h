// TrimPace says when a channel that has more than it may keep is trimmed. Whoever was owed what
// goes, and is not connected, costs an event of the journal, whether one message goes or a
// thousand; and all of the channel's clients are read. So what goes is let gather for a while.
//
// Threads: one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "store/types.h"

namespace ackwire {

// With the rest between two looks at a channel it is less than the 30 s in which retention acts.
inline constexpr Duration kTrimInterval{15'000};

class TrimPace {
 public:
  struct Amount {
    std::uint64_t has = 0;
    std::uint64_t may_keep = 0;
  };
  struct Channel {
    std::optional<Amount> messages;  // none: as many as there are
    std::optional<Amount> bytes;
  };

  // A while has passed since it was trimmed; or what gathered meanwhile is a hundredth of what it
  // may keep, and much.
  [[nodiscard]] bool Due(Timestamp now, const Channel& channel) const {
    constexpr std::uint64_t kManyMessages = 1'000;
    constexpr std::uint64_t kManyBytes = 1ULL << 20U;
    return now >= rests_until_ || Gathered(channel.messages, kManyMessages) ||
           Gathered(channel.bytes, kManyBytes);
  }

  // All that was to go has gone: where some is left, it stays due.
  void Trimmed(Timestamp now) { rests_until_ = now + kTrimInterval; }

 private:
  [[nodiscard]] static bool Gathered(const std::optional<Amount>& amount, std::uint64_t many) {
    constexpr std::uint64_t kPart = 100;
    if (!amount || amount->has <= amount->may_keep) return false;
    return amount->has - amount->may_keep >= std::max(amount->may_keep / kPart, many);
  }

  Timestamp rests_until_{};
};

}  // namespace ackwire
