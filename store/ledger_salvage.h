// LedgerSalvage makes up for lost journal records: ledger rows that survived tell what these had
// recorded, and it becomes events again: subscriptions made and ended, deliveries settled.
//
// Threads:  one.
// Lifetime: borrows all it is given.
// Bounds:   a record has some thousands of events.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/derived.h"
#include "store/forgotten_client.h"
#include "store/ledger_reader.h"
#include "store/lost_hints.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

class LedgerSalvage {
 public:
  struct Sources {
    const Database& salvaged;
    const LostHints& hints;
    const std::vector<ForgottenClient>& forgotten;  // whose rows tell nothing
  };
  LedgerSalvage(const Sources& sources, const LedgerReader& folded, const Derived& derived);

  // Events that bring the folded ledger to where more rows say it was; none at the end. They are to
  // be folded before the next are asked for.
  [[nodiscard]] StatusOr<store::JournalRecord> Next();

 private:
  [[nodiscard]] Status AddClient(const std::string& client, std::string_view value,
                                 store::JournalRecord& out);
  [[nodiscard]] Status AddEntry(const std::string& client, ChannelId channel,
                                std::string_view value, store::JournalRecord& out);
  [[nodiscard]] Status AddSettled(const std::string& client, ChannelId channel,
                                  const LedgerEntry& stored, const LedgerEntry& folded,
                                  store::JournalRecord& out);
  // How many deliveries that are parked in the fold have a salvaged row that says so too.
  [[nodiscard]] Status CountParked(const std::string& client, ChannelId channel,
                                   const LedgerEntry& folded, std::uint64_t& found) const;
  [[nodiscard]] StatusOr<bool> HasParkedRow(const std::string& client, ChannelId channel,
                                            Seq seq) const;

  const Database& salvaged_;
  const LostHints& hints_;
  const std::vector<ForgottenClient>& forgotten_;
  const LedgerReader& folded_;
  const Derived& derived_;
  std::unique_ptr<rocksdb::Iterator> row_;
};

}  // namespace ackwire
