// The end of a subscription, as the journal records it.
#pragma once

#include <string>
#include <vector>

#include "store/records.pb.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

// `parked` are the seqs that are parked. What is undelivered is the writer's to add: only it knows
// the channel's newest message.
[[nodiscard]] store::Unsubscribed MakeUnsubscribed(ChannelId channel,
                                                   const std::vector<Seq>& parked);

// The same for a client that is offline, read from the store. Blocks on disk.
//   kNotFound  there is no such subscription
[[nodiscard]] StatusOr<store::Unsubscribed> LoadUnsubscribed(const Store& store,
                                                             const std::string& client,
                                                             const std::string& channel);

}  // namespace ackwire
