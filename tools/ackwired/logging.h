// The log of the server: one line an event, on stderr. Never a payload or a token in it.
#pragma once

namespace ackwire {

enum class LogFormat { kText, kJson };

// What spdlog's default logger writes from now on.
void SetUpLogging(LogFormat format);

}  // namespace ackwire
