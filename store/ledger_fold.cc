#include "store/ledger_fold.h"

#include "store/record.h"

namespace ackwire {

void ClientState::Fold(EventId id, const store::Event& event) {
  if (id <= as_of) return;
  known = true;
  if (event.has_session_opened() || event.has_session_closed()) {
    last_seen_at = FromUnixMs(event.at_ms());
  }
  if (event.has_session_closed()) disconnects = event.session_closed().disconnects();
  if (event.has_acked()) disconnects = 0;
  if (event.has_subscribed()) ++subscriptions;
  if (event.has_unsubscribed()) --subscriptions;
  if (event.has_client_paused()) FoldPaused(event);
  if (event.has_client_forgotten()) *this = {};
  as_of = id;
}

void ClientState::FoldPaused(const store::Event& event) {
  paused = event.client_paused().paused();
  paused_at = paused ? FromUnixMs(event.at_ms()) : Timestamp();
  pause_note = paused ? event.client_paused().note() : "";
}

Status NeverSeen(const std::string& client) {
  return Error(StatusCode::kNotFound,
               "client: " + client + " has never subscribed and never connected");
}

std::vector<ChannelId> LedgerChannelsOf(const store::Event& event) {
  const auto of_parts = [](const auto& parts) {
    std::vector<ChannelId> channels;
    for (const auto& part : parts) channels.push_back({part.channel()});
    return channels;
  };
  switch (event.what_case()) {
    case store::Event::kSessionOpened:
    case store::Event::kSessionClosed:
    case store::Event::kClientPaused:
    case store::Event::kClientForgotten:
      return {ChannelId{}};
    case store::Event::kSubscribed:
      return {{event.subscribed().channel()}, ChannelId{}};
    case store::Event::kUnsubscribed:
      return {{event.unsubscribed().channel()}, ChannelId{}};
    case store::Event::kAcked: {
      std::vector<ChannelId> channels = of_parts(event.acked().channels());
      // Most acknowledgements change nothing of the client itself.
      if (event.acked().after_disconnects()) channels.push_back({});
      return channels;
    }
    case store::Event::kFailed:
      return of_parts(event.failed().channels());
    case store::Event::kParked:
      return {{event.parked().channel()}};
    case store::Event::kAbandoned:
      return {{event.abandoned().channel()}};
    case store::Event::kReplayStarted:
    case store::Event::kReplayPinned:
    case store::Event::kReplayOutcome:
    case store::Event::kReplayControlled:
    case store::Event::kChannelMade:
    case store::Event::kRemoved:
    case store::Event::WHAT_NOT_SET:
      break;
  }
  return {};
}

StatusOr<LedgerEntry> FoldLedger(const keys::LedgerKey& key, const std::optional<std::string>& row,
                                 const std::vector<TailEvent>& events) {
  LedgerEntry entry;
  if (row) {
    store::LedgerRow stored;
    Status status = record::OpenInto(
        *row, "ledger of " + key.client + ", channel number " + std::to_string(key.channel.value),
        stored);
    if (!status.ok()) return status;
    entry = LedgerEntry::FromRow(stored);
  }
  for (const TailEvent& event : events) entry.Fold(event.id, event.event(), key.channel);
  return entry;
}

StatusOr<ClientState> FoldClient(const std::string& client, const std::optional<std::string>& row,
                                 const std::vector<TailEvent>& events) {
  ClientState state;
  if (row) {
    store::ClientRow stored;
    Status status = record::OpenInto(*row, "ledger of client " + client, stored);
    if (!status.ok()) return status;
    state = {true,
             FromUnixMs(stored.last_seen_at_ms()),
             stored.disconnects(),
             stored.subscriptions(),
             EventId{stored.as_of()},
             stored.paused(),
             FromUnixMs(stored.paused_at_ms()),
             stored.pause_note()};
  }
  for (const TailEvent& event : events) state.Fold(event.id, event.event());
  return state;
}

}  // namespace ackwire
