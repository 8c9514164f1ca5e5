#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/json.h"

namespace ackwire::ctl {

// "2026-11-22T09:15:00.250Z": RFC 3339 in UTC with milliseconds.
using proto_json::FormatTime;

std::int64_t ToMilliseconds(const google::protobuf::Duration& duration);

// For people, two units at most: "850ms", "12.3s", "4m 10s", "3h 2m", "5d 1h".
std::string FormatDuration(std::chrono::milliseconds duration);

// For people: "512 B", "12.3 MiB".
std::string FormatBytes(std::uint64_t bytes);

// "20s" (ms, s, m, h, d), at most some hundred years. Nothing when it is none.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

// RFC 3339, or relative to now: "-15m" (ms, s, m, h, d). Nothing when it is neither.
std::optional<google::protobuf::Timestamp> ParseTime(const std::string& text,
                                                     std::chrono::system_clock::time_point now);

}  // namespace ackwire::ctl
