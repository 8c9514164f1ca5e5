// The end of a subscription, as the journal records it.
#pragma once

#include <string>
#include <vector>

#include "store/ledger_entry.h"
#include "store/records.pb.h"
#include "store/status.h"
#include "store/store.h"

namespace ackwire {

// A channel, as far as its subscription is concerned.
struct ChannelView {
  ChannelId id;
  std::string name;
  Seq last;
};

// `parked` are the seqs that are parked.
[[nodiscard]] store::Unsubscribed MakeUnsubscribed(const ChannelView& channel,
                                                   const LedgerEntry& entry,
                                                   const std::vector<Seq>& parked);

// The same for a client that is offline, read from the store. Blocks on disk.
//   kNotFound  there is no such subscription
[[nodiscard]] StatusOr<store::Unsubscribed> LoadUnsubscribed(const Store& store,
                                                             const std::string& client,
                                                             const std::string& channel);

}  // namespace ackwire
