// What is on disk of log and journal, row by row, read past everything that is derived.
#pragma once

#include <vector>

#include "store/committed_group.h"
#include "store/database.h"
#include "store/records.pb.h"
#include "store/status.h"

namespace ackwire {

struct SurvivingLog {
  std::vector<StoredMessage> messages;        // position n at n - 1
  std::vector<store::JournalRecord> records;  // number n at n - 1
};

//   kDataLoss  a row is missing or damaged, or a channel's seqs are not dense
[[nodiscard]] StatusOr<SurvivingLog> ReadSurvivingLog(const Database& database);

}  // namespace ackwire
