// What is said of a token that is not taken. A caller hears one text, whatever was wrong, so that
// it learns nothing from it; the reason is for the log.
//
// Threads: any.
#pragma once

#include <string>

#include "store/status.h"

namespace ackwire {

// kUnauthenticated. `reason` is a text of ours: nothing of a token may be in it.
[[nodiscard]] Status TokenRefused(const char* reason);

// The one refusal that is told apart: a good token in all else, for which a new one helps.
[[nodiscard]] Status TokenExpired();
[[nodiscard]] bool IsTokenExpired(const Status& status);

// Why a token was refused, to be logged at debug; empty for any other status.
[[nodiscard]] std::string TokenReasonOf(const Status& status);

}  // namespace ackwire
