#include "delivery/unsubscription.h"

namespace ackwire {

store::Unsubscribed MakeUnsubscribed(const ChannelView& channel, const LedgerEntry& entry,
                                     const std::vector<Seq>& parked) {
  store::Unsubscribed record;
  record.set_channel(channel.id.value);
  record.set_channel_name(channel.name);
  record.set_last(channel.last.value);
  record.set_undelivered(entry.Undelivered(channel.last));
  const SeqRuns undelivered = entry.UndeliveredRuns(channel.last);
  for (const SeqRun& run : undelivered.runs()) {
    auto* out = record.add_runs();
    out->set_first(run.first.value);
    out->set_last(run.last.value);
  }
  for (const Seq seq : parked) record.add_parked(seq.value);
  return record;
}

StatusOr<store::Unsubscribed> LoadUnsubscribed(const Store& store, const std::string& client,
                                               const std::string& channel) {
  const auto known = store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(channel);
    return info == nullptr ? ChannelInfo{} : *info;
  });
  const StatusOr<LedgerEntry> entry = store.ledger().Entry(client, known.id);
  if (!entry.ok()) return entry.status();
  if (known.id.value == 0 || !entry->subscribed()) {
    return Error(StatusCode::kNotFound, client + " is not subscribed to " + channel);
  }
  const StatusOr<std::vector<Seq>> parked = store.ledger().ParkedSeqs(client, known.id);
  if (!parked.ok()) return parked.status();
  return MakeUnsubscribed({known.id, known.name, known.last}, *entry, *parked);
}

}  // namespace ackwire
