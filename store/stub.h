// A stub is what is left of a message: place, channel, seq and time, and no content. It stays in
// the log, so that positions and seqs stay dense.
//
// Threads: any.
#pragma once

#include "ackwire/v1/deliveries.pb.h"
#include "store/committed_group.h"
#include "store/status.h"

namespace ackwire {

// No message that was published is of this kind. One that a recovery found lost (store/rebuild.h)
// is of channel number 0 where nobody knows what it was.
[[nodiscard]] inline bool IsStub(const v1::Message& message) {
  return message.kind() == v1::KIND_UNSPECIFIED;
}
[[nodiscard]] inline bool IsStub(const StoredMessage& stored) { return IsStub(stored.message); }

// Why the content is gone: REASON_RETENTION, REASON_REDACTED; unspecified: a recovery found it
// lost. REQUIRES: it is a stub.
[[nodiscard]] v1::Reason GoneFor(const v1::Message& stub);

// The reason for which a delivery of it is abandoned. What is lost is as if retention had taken it:
// there is no reason of its own.
[[nodiscard]] v1::Reason AbandonedFor(v1::Reason gone_for);

// What is answered to whoever asks for it.
[[nodiscard]] Status GoneStatus(const v1::Message& stub);

// What is left of `stored`.
[[nodiscard]] StoredMessage MakeStub(const StoredMessage& stored, v1::Reason why);

}  // namespace ackwire
