// What it takes to remove messages from the log: made by whoever asks, so that the writer, for
// which all others wait, need not read them.
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "store/committed_group.h"
#include "store/work.h"

namespace ackwire {

// A commit takes at most so many at once.
inline constexpr std::size_t kRemovedAtOnceMax = 4096;

struct RemovalOrder {
  v1::Reason reason = v1::REASON_UNSPECIFIED;  // REASON_RETENTION or REASON_REDACTED
  std::string detail;                          // the operator's words
  bool erase = false;                          // soon from the disk too (store/eraser.h)
};
// `messages`: of one channel, in order of seq, as the log has them; not empty, at most
// kRemovedAtOnceMax. What is a stub already stays what it is, and is erased with the rest.
[[nodiscard]] RemoveWork MakeRemoval(const std::vector<StoredMessage>& messages,
                                     const RemovalOrder& order);

}  // namespace ackwire
