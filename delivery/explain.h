// Why does this client have, or not have, this message? Facts in; one state, one reason and a
// sentence for a person out.
//
// Threads: any; GatherFacts may block on disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/delivery_server.h"
#include "delivery/policies.h"
#include "store/ledger_entry.h"
#include "store/ledger_reader.h"
#include "store/store.h"

namespace ackwire {

struct OpenReplay {
  ReplayId id;
  bool paused = false;
};

struct DeliveryFacts {
  std::string client;
  std::string channel;
  Seq seq;
  std::string message_id;  // as asked for
  Timestamp now{};
  Duration ack_wait{};
  std::uint32_t attempts_max = 0;
  std::optional<v1::Message> message;  // none: there is no such message
  ChannelId channel_id;                // zero: there is no such channel
  Seq channel_last;
  LedgerEntry entry;                   // not subscribed(): no subscription
  ClientState state;                   // of the client itself
  std::optional<JournalEvent> parked;  // the event that parked it
  bool parked_before = false;          // or it is parked, by one that is no longer on record
  std::optional<JournalEvent> acked;   // the acknowledgement on record
  std::vector<JournalEvent> failures;  // those that name the seq, oldest first
  bool online = false;
  std::optional<LiveDelivery> live;  // what its session knows, when online
  std::optional<OpenReplay> replay;  // that is still to deliver it, again; unknown of the past

  [[nodiscard]] bool owed() const { return entry.subscribed() && seq >= entry.start(); }
};

// Reads the facts that are on disk; `live` and `online` are left to the caller. A message that does
// not exist is a fact too.
//   kInvalidArgument  a name is none, or not one of seq and message id is given
struct DeliveryQuestion {
  std::string client;
  std::string channel;
  Seq seq;
  std::string message_id;
};
[[nodiscard]] StatusOr<DeliveryFacts> GatherFacts(const Store& store, const Policies& policies,
                                                  const DeliveryQuestion& question, Timestamp now);

// The same without the ledger: which message it is about.
[[nodiscard]] StatusOr<DeliveryFacts> GatherMessage(const Store& store, const Policies& policies,
                                                    const DeliveryQuestion& question,
                                                    Timestamp now);

// The first that holds: not owed; parked; abandoned or acknowledged; in flight; expired; waiting
// for its next attempt; pending, because an earlier message comes first, the client is paused, it
// is offline, or the window is full.
[[nodiscard]] v1::Delivery Explain(const DeliveryFacts& facts);

}  // namespace ackwire
