// Rebuild makes a new log of the rows that were salvaged from a damaged one: every message at its
// old position, a stub for each that is lost before the last that is left, the journal restaged on
// it, without clients that were forgotten, and all that is derived, folded anew.
//
// Threads:  one; blocks on disk.
// Lifetime: borrows all it is given.
// Bounds:   memory for the channels, for what is lost, and for the newest part of the fold.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/forgotten_client.h"
#include "store/ledger_reader.h"
#include "store/lost_hints.h"
#include "store/lost_places.h"
#include "store/recovery_report.h"
#include "store/refold.h"
#include "store/restage.h"
#include "store/salvage.h"
#include "store/status.h"

namespace ackwire {

class Rebuild {
 public:
  // `into` is a new and empty log.
  Rebuild(const Salvaged& salvaged, Database& into, LostHints& hints, RecoveryReport& report);

  ~Rebuild();
  Rebuild(const Rebuild&) = delete;
  Rebuild& operator=(const Rebuild&) = delete;

  //   kDataLoss  what is left contradicts itself, so nobody can tell what is lost
  [[nodiscard]] Status Run();

 private:
  [[nodiscard]] Status ReadForgotten();
  [[nodiscard]] Status CopyLog();
  [[nodiscard]] Status WriteStubs();
  // When the message before a position was published.
  [[nodiscard]] Timestamp TimeNear(Position position) const;
  // The journal goes on from its base, if that is whole and agrees with what is left of the log, or
  // else, where its first records are not there, from one that knows of channels alone.
  [[nodiscard]] Status StartFromBase();
  [[nodiscard]] Status StartFromChannels();
  [[nodiscard]] StatusOr<bool> AgreesWith(const Database& base) const;
  [[nodiscard]] Status RewriteJournal();
  [[nodiscard]] Status AddRecord(const store::JournalRecord& record);
  // Folds the messages up to a position.
  [[nodiscard]] Status FoldMessages(Position up_to);
  // For journal numbers that are lost: what ledger rows tell of them is recorded again.
  [[nodiscard]] Status SalvageLedger();
  [[nodiscard]] Status ReportSubscriptions();
  [[nodiscard]] Status MakeChannels();
  [[nodiscard]] Status Finish();

  void Report(const std::vector<Place>& places);

  const Database& salvaged_;
  const bool base_is_whole_;
  Database& into_;
  LostHints& hints_;
  RecoveryReport& report_;
  LostPlaces places_;
  Refold refold_;
  LedgerReader ledger_;
  Restage restage_;
  std::vector<ForgottenClient> forgotten_;
  std::unique_ptr<rocksdb::Iterator> log_;
  JournalNumber next_{1};        // of the journal
  std::int64_t last_at_ms_ = 0;  // of the journal
};

}  // namespace ackwire
