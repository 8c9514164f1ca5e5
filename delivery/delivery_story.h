// DeliveryStory is what the journal and the session tell of one delivery: its attempts in order,
// and the event that ended it unacknowledged, if one did.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/explain.h"

namespace ackwire {

struct DeliveryStory {
  std::vector<v1::Attempt> attempts;  // oldest first; the last may be in flight or acknowledged
  std::uint32_t failed = 0;           // of these
  std::uint32_t counted = 0;          // of the failed: they count towards max-attempts
  const JournalEvent* abandoned = nullptr;  // Abandoned or Unsubscribed; points into the facts
};
[[nodiscard]] DeliveryStory StoryOf(const DeliveryFacts& facts);

// When the event happened.
[[nodiscard]] Timestamp WhenOf(const JournalEvent& event);

}  // namespace ackwire
