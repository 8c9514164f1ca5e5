#include "delivery/unsubscription.h"

namespace ackwire {

store::Unsubscribed MakeUnsubscribed(ChannelId channel, const std::vector<Seq>& parked) {
  store::Unsubscribed record;
  record.set_channel(channel.value);
  for (const Seq seq : parked) record.add_parked(seq.value);
  return record;
}

StatusOr<store::Unsubscribed> LoadUnsubscribed(const Store& store, const std::string& client,
                                               const std::string& channel) {
  const ChannelId id = store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(channel);
    return info == nullptr ? ChannelId{} : info->id;
  });
  const StatusOr<LedgerEntry> entry = store.ledger().Entry(client, id);
  if (!entry.ok()) return entry.status();
  if (id.value == 0 || !entry->subscribed()) {
    return Error(StatusCode::kNotFound, client + " is not subscribed to " + channel);
  }
  const StatusOr<std::vector<Seq>> parked = store.ledger().ParkedSeqs(client, id);
  if (!parked.ok()) return parked.status();
  return MakeUnsubscribed(id, *parked);
}

}  // namespace ackwire
