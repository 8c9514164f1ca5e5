// Redacts a message, as an operator asks.
//
// Threads:  any; `done` comes once, on one of the server's threads.
// Lifetime: borrows all that `deps` names until then.
#pragma once

#include <functional>

#include "ackwire/v1/deliveries.pb.h"
#include "store/status.h"
#include "tools/ackwired/services.h"

namespace ackwire {

// Once it is on disk, and those who were owed it are told. What is redacted already, or was removed
// otherwise, stays as it is.
//   kInvalidArgument  the channel's name is none, there is no seq, or the note is too long
//   kNotFound         there is no such channel or seq
//   kDataLoss         it cannot be read
using Redacted = std::function<void(StatusOr<v1::RedactResponse>)>;
void Redact(const ServiceDependencies& deps, const v1::RedactRequest& request,
            const Redacted& done);

}  // namespace ackwire
