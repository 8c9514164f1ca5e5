// The id under which a request is found in the logs of all that it passed: the caller's, or one of
// ours.
#pragma once

#include <string>

#include "delivery/http_api.h"
#include "store/rng.h"

namespace ackwire {

// X-Request-Id, where that is at most 64 of A-Z, a-z, 0-9 and `._-`, so that it can stand in a line
// of any log; else 128 random bits.
[[nodiscard]] std::string RequestIdOf(const HttpRequest& request, Rng& rng);

}  // namespace ackwire
