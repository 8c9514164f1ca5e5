// Questions to a store of which the right answer is known, drawn at random: by position, by seq, by
// message id, of clients, members, subscriptions, parked messages. On a disk that fails the store
// may say that it cannot answer. It may not answer anything else than what is so.
#pragma once

#include <string>

#include "store/rng.h"
#include "store/status.h"
#include "tests/faults/naive_ledger.h"

namespace ackwire {

struct Answered {
  Status status;           // of the question
  std::string problem;     // empty: the answer is right, or there is none (kUnavailable)
  bool cut_short = false;  // it ends before what could not be read, as far as it goes it is right
};

// One question. REQUIRES: the ledger is what the store holds.
[[nodiscard]] Answered AskStore(const StoreReaders& store, const NaiveLedger& ledger, Rng& rng);

}  // namespace ackwire
