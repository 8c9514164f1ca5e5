// LiveDelivery is one delivery as a connected client's session knows it.
#pragma once

#include <cstdint>
#include <optional>

#include "ackwire/v1/deliveries.pb.h"
#include "store/types.h"

namespace ackwire {

// Ahead of the ledger on disk.
struct LiveDelivery {
  bool in_flight = false;
  bool window_full = false;
  std::uint32_t share_full = 0;  // with window_full: of the channel's share, which is so large
  // The earlier message of an ordered channel that failed, or is damaged on disk.
  std::optional<Seq> blocked_by;
  bool blocked_by_damage = false;
  bool forbidden = false;               // the session's token does not allow the channel
  v1::Attempt attempt;                  // with in_flight
  std::optional<Timestamp> replay_due;  // a replay sends it again then, not before
};

}  // namespace ackwire
