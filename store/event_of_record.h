// One event of a journal record, read without the others: where many clients fail together, a
// record has thousands.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "store/status.h"
#include "store/types.h"

namespace ackwire {

struct JournalEvent;

// `value` is the row of the event's record; `what` names it.
//   kDataLoss  the record is damaged, or has no such event
[[nodiscard]] StatusOr<JournalEvent> EventOfRecord(std::string_view value, EventId id,
                                                   const std::string& what);

}  // namespace ackwire
