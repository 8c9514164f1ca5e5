#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <string>

#include "tools/ackctl/command_error.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {

// The time that a flag gives; usage error when it is none.
inline google::protobuf::Timestamp TimeOption(const std::string& flag, const std::string& text) {
  if (const auto time = ParseTime(text, std::chrono::system_clock::now())) return *time;
  throw CommandError(ExitStatus::kUsage,
                     flag + ": \"" + text +
                         "\" is no time: give RFC 3339 (2026-11-22T09:15:00Z) or how long ago "
                         "(-15m; ms, s, m, h, d)");
}

}  // namespace ackwire::ctl
