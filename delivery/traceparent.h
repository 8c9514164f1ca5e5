// The header that ties a message to a distributed trace: W3C Trace Context.
#pragma once

#include <string_view>

namespace ackwire {

// True for a traceparent that is valid there; another one is not stored.
[[nodiscard]] bool IsTraceparent(std::string_view text);

}  // namespace ackwire
