#include "tools/ackctl/time_format.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <array>
#include <charconv>
#include <string_view>

namespace ackwire::ctl {
namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;
using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  milliseconds length;
};

// "ms" stands before "m" and "s", so that its letters are not taken for theirs.
constexpr std::array<Unit, 5> kUnits = {{{"ms", milliseconds{1}},
                                         {"s", std::chrono::seconds{1}},
                                         {"m", std::chrono::minutes{1}},
                                         {"h", std::chrono::hours{1}},
                                         {"d", std::chrono::hours{24}}}};

// A century: keeps the arithmetic far from overflow.
constexpr milliseconds kDurationMax = std::chrono::hours{24} * 36525;

// "-15m": the sign is required, and it is always the past.
std::optional<milliseconds> ParseRelative(std::string_view text) {
  return text.starts_with('-') ? ParseDuration(text.substr(1)) : std::nullopt;
}

}  // namespace

std::optional<milliseconds> ParseDuration(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    if (suffix != unit.name) continue;
    if (number > static_cast<std::uint64_t>(kDurationMax / unit.length)) return std::nullopt;
    return unit.length * static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}

std::int64_t ToMilliseconds(const google::protobuf::Duration& duration) {
  return TimeUtil::DurationToMilliseconds(duration);
}

std::string FormatDuration(milliseconds duration) {
  using std::chrono::days;
  using std::chrono::duration_cast;
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  const std::int64_t ms = duration.count();
  if (duration < seconds{1}) return fmt::format("{}ms", ms);
  if (duration < minutes{1}) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  const auto whole_seconds = duration_cast<seconds>(duration).count();
  if (duration < hours{1}) return fmt::format("{}m {}s", whole_seconds / 60, whole_seconds % 60);
  const auto whole_minutes = duration_cast<minutes>(duration).count();
  if (duration < days{1}) return fmt::format("{}h {}m", whole_minutes / 60, whole_minutes % 60);
  const auto whole_hours = duration_cast<hours>(duration).count();
  return fmt::format("{}d {}h", whole_hours / 24, whole_hours % 24);
}

std::string FormatBytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kNames = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t name = 0;
  // 1023.95 would be shown as "1024.0".
  while (value >= 1023.95 && name + 1 < kNames.size()) {
    value /= 1024;
    ++name;
  }
  return fmt::format("{:.1f} {}", value, kNames[name]);
}

std::optional<Timestamp> ParseTime(const std::string& text,
                                   std::chrono::system_clock::time_point now) {
  if (const auto past = ParseRelative(text)) {
    const auto since_epoch = std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
    return TimeUtil::MillisecondsToTimestamp((since_epoch - *past).count());
  }
  Timestamp time;
  if (!TimeUtil::FromString(text, &time)) return std::nullopt;
  return time;
}

}  // namespace ackwire::ctl
