// DeliveryStory is what the journal and the session tell of one delivery: its attempts in order,
// which of them was acknowledged, and the event that ended it unacknowledged, if one did.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/explain.h"

namespace ackwire {

struct DeliveryStory {
  std::vector<v1::Attempt> attempts;  // in order of sending, those of replays too; in flight too
  std::uint32_t failed = 0;          // of these, but of no replay: a replay has attempts of its own
  std::uint32_t counted = 0;         // of the failed: they count towards max-attempts
  std::optional<v1::Attempt> acked;  // of `attempts`: the one that the client acknowledged
  bool late = false;                 // `acked` had failed before
  const JournalEvent* abandoned = nullptr;  // Abandoned or Unsubscribed; points into the facts
};
[[nodiscard]] DeliveryStory StoryOf(const DeliveryFacts& facts);

// When the event happened.
[[nodiscard]] Timestamp WhenOf(const JournalEvent& event);

}  // namespace ackwire
