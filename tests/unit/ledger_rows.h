// LedgerRows is what the store makes of one client's journal events: a row for each subscription
// and one for the client itself, folded by the very classes that the store folds them with.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/ledger_entry.h"
#include "store/ledger_fold.h"
#include "store/records.pb.h"

namespace ackwire {

class LedgerRows {
 public:
  void Fold(const std::vector<store::Event>& events) {
    for (const store::Event& event : events) {
      const EventId id = EventId::Of(JournalNumber{++number_}, 0);
      client.Fold(id, event);
      for (const ChannelId channel : ChannelsOf(event)) entries[channel].Fold(id, event, channel);
    }
  }

  // As it is read when the client connects.
  [[nodiscard]] LedgerEntry Load(ChannelId channel) const {
    return LedgerEntry::FromRow(entries.at(channel).ToRow());
  }

  std::map<ChannelId, LedgerEntry> entries;
  ClientState client;

 private:
  static std::set<ChannelId> ChannelsOf(const store::Event& event) {
    std::set<ChannelId> channels;
    for (const auto& part : event.acked().channels()) channels.insert({part.channel()});
    for (const auto& part : event.failed().channels()) channels.insert({part.channel()});
    if (event.has_subscribed()) channels.insert({event.subscribed().channel()});
    if (event.has_unsubscribed()) channels.insert({event.unsubscribed().channel()});
    if (event.has_parked()) channels.insert({event.parked().channel()});
    if (event.has_abandoned()) channels.insert({event.abandoned().channel()});
    return channels;
  }

  std::uint64_t number_ = 0;
};

inline store::Event SubscribedEvent(ChannelId channel, const std::string& name, Seq start,
                                    Timestamp at) {
  store::Event event;
  event.set_at_ms(ToUnixMs(at));
  event.mutable_subscribed()->set_channel(channel.value);
  event.mutable_subscribed()->set_channel_name(name);
  event.mutable_subscribed()->set_start(start.value);
  return event;
}

inline store::Event UnsubscribedEvent(ChannelId channel) {
  store::Event event;
  event.mutable_unsubscribed()->set_channel(channel.value);
  return event;
}

}  // namespace ackwire
