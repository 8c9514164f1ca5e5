#include "delivery/loaded_client.h"

#include <utility>

namespace ackwire {

StatusOr<LoadedClient> LoadClient(const Store& store, const std::string& client) {
  const JournalNumber up_to = store.derived().last_number();
  const StatusOr<ClientState> state = store.ledger().Client(client);
  if (!state.ok()) return state.status();
  StatusOr<std::vector<ChannelEntry>> entries = store.ledger().Entries(client);
  if (!entries.ok()) return entries.status();
  LoadedClient loaded{up_to, *state, {}};
  store.derived().Read([&](const DerivedView& view) {
    for (ChannelEntry& each : *entries) {
      const ChannelInfo& channel = *view.channels.Get(each.channel);
      loaded.subscriptions.push_back({.client = client,
                                      .channel = each.channel,
                                      .channel_name = channel.name,
                                      .entry = std::move(each.entry),
                                      .last = channel.last,
                                      .existed = true});
    }
  });
  return loaded;
}

}  // namespace ackwire
