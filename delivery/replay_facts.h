// What is to be done with deliveries of a replay at the moment when their turn comes: to deliver
// them, or not to, because something became of them since it was planned.
//
// Threads: any; blocks on disk.
#pragma once

#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/replay_lane.h"
#include "store/records.pb.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

struct ReplayTurn {
  std::vector<ReplayDelivery> deliver;
  std::vector<store::Event> ended;  // outcomes, to be put on record
};

// `keys` are open deliveries of the replay to this client. One of which what is on record is
// damaged has failed.
[[nodiscard]] StatusOr<ReplayTurn> ReadTurn(const Store& store, const ReplayInfo& replay,
                                            const std::string& client,
                                            const std::vector<DeliveryKey>& keys, Timestamp now);

}  // namespace ackwire
