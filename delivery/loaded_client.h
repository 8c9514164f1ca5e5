// What is stored of a client when its session begins.
#pragma once

#include <string>
#include <vector>

#include "store/status.h"
#include "store/store.h"
#include "store/types.h"
#include "store/work.h"

namespace ackwire {

struct LoadedClient {
  JournalNumber up_to;  // everything up to this record is in it
  ClientState state;
  std::vector<SubscriptionState> subscriptions;
};

// Threads: any; blocks on disk.
[[nodiscard]] StatusOr<LoadedClient> LoadClient(const Store& store, const std::string& client);

}  // namespace ackwire
