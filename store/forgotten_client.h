// What is left in the journal of a client that was forgotten: events that say nothing, in the
// places of its own, so that every other event and failure keeps its id. Its part of replays stays
// under a name that no client can have, or their sums would not come out.
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "store/records.pb.h"
#include "store/types.h"

namespace ackwire {

struct ForgottenClient {
  std::string client;
  EventId at;  // its ClientForgotten: what follows is of a client that is new
};

[[nodiscard]] std::string PseudonymOf(EventId at);
[[nodiscard]] bool IsPseudonym(const std::string& client);

// Erases it from its record of this number. Returns whether anything was to be erased.
bool EraseClient(const ForgottenClient& forgotten, JournalNumber number,
                 store::JournalRecord& record);
// Of a replay that was asked for by the client's name; likewise.
bool EraseFromSelection(const ForgottenClient& forgotten, store::ReplayStarted& started);

// The keys of family `failures` that list the record `before` and not `after`, in which a client is
// erased.
[[nodiscard]] std::vector<std::string> ListedNoMore(JournalNumber number,
                                                    const store::JournalRecord& before,
                                                    const store::JournalRecord& after);

// What of a record stays whoever is forgotten.
[[nodiscard]] store::JournalRecord PlaceOf(const store::JournalRecord& record);

}  // namespace ackwire
