// The message id that the server gives where the publisher gave none.
#pragma once

#include <string>

#include "store/rng.h"
#include "store/types.h"

namespace ackwire {

// A UUIDv7 (RFC 9562, 5.7): time in milliseconds, then randomness.
[[nodiscard]] std::string MakeUuidV7(Timestamp time, Rng& rng);

// 128 random bits as 32 hexadecimal digits: epochs and sessions.
[[nodiscard]] std::string MakeRandomHex(Rng& rng);

}  // namespace ackwire
