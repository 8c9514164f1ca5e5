// The log of the server: one line an event, on stderr. Never a payload or a token in it.
#pragma once

#include "delivery/access_log.h"

namespace ackwire {

enum class LogFormat { kText, kJson };

// What spdlog's default logger writes from now on.
void SetUpLogging(LogFormat format);

// One line a request, in the same format and the same place.
[[nodiscard]] AccessLog MakeAccessLog(LogFormat format);

}  // namespace ackwire
