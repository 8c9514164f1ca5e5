// What a recovery found lost: each message, each place in the journal, and what that means.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/salvage.h"
#include "store/seq_runs.h"
#include "store/types.h"

namespace ackwire {

// From first to last, both included.
struct NumberRun {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const NumberRun&, const NumberRun&) = default;
};

// Seqs of one channel that follow each other, and the places they had. A place of zero is not
// known.
struct LostRun {
  std::string channel;
  SeqRun seqs;
  Position first;
  Position last;
  friend bool operator==(const LostRun&, const LostRun&) = default;
};

// What it was still owed is owed to nobody.
struct LostSubscription {
  std::string client;
  std::string channel;
};

struct RecoveryReport {
  std::string directory;
  std::string found;    // what a start says of the directory; empty: nothing against it
  std::string epoch;    // the new one
  std::string kept_as;  // where the directory that was damaged will be

  std::uint64_t messages = 0;  // that are left
  std::uint64_t journal_records = 0;

  std::vector<LostRun> lost;              // in order of channel and seq
  std::vector<NumberRun> unknown;         // lost positions of which nobody knows what they held
  std::vector<NumberRun> behind_the_end;  // positions that are known to have been, and are no more
  std::vector<NumberRun> journal;         // lost numbers, those behind the end too
  std::uint64_t events_changed = 0;       // of the journal: they named what is lost
  std::uint64_t events_salvaged = 0;  // from ledger rows, for what the lost numbers had recorded
  std::vector<LostSubscription> subscriptions;  // that nothing tells of any more but the members
  // The watermark says how far the log went. Without it nobody can tell whether more was answered
  // than what is left and what anything left names.
  bool end_is_known = true;
  std::vector<DamagedFile> files;

  [[nodiscard]] bool no_place_lost() const {  // of the log or of the journal
    return lost.empty() && unknown.empty() && behind_the_end.empty() && journal.empty();
  }
  [[nodiscard]] bool nothing_lost() const {
    return no_place_lost() && subscriptions.empty() && end_is_known;
  }
};

// Adds a number to runs that are in order.
inline void AddNumber(std::vector<NumberRun>& runs, std::uint64_t number) {
  if (!runs.empty() && runs.back().last + 1 == number) {
    runs.back().last = number;
  } else {
    runs.push_back({number, number});
  }
}

}  // namespace ackwire
