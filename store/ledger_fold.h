// Folds a tail's events onto a stored ledger row.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/keys.h"
#include "store/ledger_entry.h"
#include "store/status.h"
#include "store/tail.h"

namespace ackwire {

// What is known of a client itself. `known` is false for one never seen.
struct ClientState {
  bool known = false;
  Timestamp last_seen_at{};
  std::uint32_t disconnects = 0;  // in a row with no acknowledgement between them
  std::uint64_t subscriptions = 0;
  EventId as_of;
  // Nothing is delivered to it. Since when, and why in the operator's words.
  bool paused = false;
  Timestamp paused_at{};
  std::string pause_note;

  void Fold(EventId id, const store::Event& event);

 private:
  void FoldPaused(const store::Event& event);
};

// What is answered about a client that is not known.
[[nodiscard]] Status NeverSeen(const std::string& client);

// The channels whose ledger rows an event changes; channel 0 is the row of the client itself.
[[nodiscard]] std::vector<ChannelId> LedgerChannelsOf(const store::Event& event);

// `row` is the stored value, none where there is none.
//   kDataLoss  the row is damaged
[[nodiscard]] StatusOr<LedgerEntry> FoldLedger(const keys::LedgerKey& key,
                                               const std::optional<std::string>& row,
                                               const std::vector<TailEvent>& events);
[[nodiscard]] StatusOr<ClientState> FoldClient(const std::string& client,
                                               const std::optional<std::string>& row,
                                               const std::vector<TailEvent>& events);

}  // namespace ackwire
