#include "tools/ackwired/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

#include "delivery/policy.h"

namespace ackwire {
namespace {

// Longer than anything waits; and a time added to it does not overflow.
constexpr Duration kDurationMax = std::chrono::days(36'500);
constexpr std::size_t kBackoffsMax = 100;
constexpr std::uint32_t kIoThreadsMax = 256;

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array<Unit, 5> kUnits = {{{"ms", std::chrono::milliseconds(1)},
                                         {"s", std::chrono::seconds(1)},
                                         {"m", std::chrono::minutes(1)},
                                         {"h", std::chrono::hours(1)},
                                         {"d", std::chrono::days(1)}}};

std::string Got(const std::string& text) { return ", got \"" + text + "\""; }
constexpr std::array<std::pair<std::string_view, unsigned>, 4> kSizeUnits = {
    {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};

}  // namespace

StatusOr<std::vector<Duration>> ParseBackoff(const std::string& text) {
  std::vector<Duration> waits;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const StatusOr<Duration> wait = ParseDuration(text.substr(at, comma - at));
    if (!wait.ok()) {
      return InvalidArgument("must be durations with commas between them, such as 1s,5s: each " +
                             MessageOf(wait.status()));
    }
    waits.push_back(*wait);
    at = comma + 1;
  }
  if (waits.size() <= kBackoffsMax) return waits;
  return InvalidArgument("must be at most " + std::to_string(kBackoffsMax) +
                         " durations: the last one repeats; got " + std::to_string(waits.size()));
}

std::string FormatBackoff(const std::vector<Duration>& waits) {
  std::string text;
  for (const Duration wait : waits) text += (text.empty() ? "" : ",") + FormatDuration(wait);
  return text;
}

StatusOr<std::uint32_t> ParseCount(const std::string& text) {
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error == std::errc() && stop == end && count > 0) return count;
  return InvalidArgument("must be a whole number from 1 to " +
                         std::to_string(std::numeric_limits<std::uint32_t>::max()) + Got(text));
}

StatusOr<std::uint32_t> ParseWindow(const std::string& text) {
  StatusOr<std::uint32_t> window = ParseCount(text);
  if (window.ok()) window = std::min(*window, kWindowMax);
  return window;
}

StatusOr<std::size_t> ParseIoThreads(const std::string& text) {
  const StatusOr<std::uint32_t> count = ParseCount(text);
  if (count.ok() && *count <= kIoThreadsMax) return std::size_t{*count};
  return InvalidArgument("must be a whole number from 1 to " + std::to_string(kIoThreadsMax) +
                         Got(text));
}

StatusOr<bool> ParseSwitch(const std::string& text) {
  if (text == "on" || text == "true") return true;
  if (text == "off" || text == "false") return false;
  return InvalidArgument("must be on or off" + Got(text));
}

StatusOr<LogFormat> ParseLogFormat(const std::string& text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return InvalidArgument("must be text or json" + Got(text));
}

StatusOr<Durability> ParseDurability(const std::string& text) {
  if (text == "fsync") return Durability::kFsync;
  if (text == "buffered") return Durability::kBuffered;
  return InvalidArgument("must be fsync or buffered" + Got(text));
}

StatusOr<std::filesystem::path> ParsePath(const std::string& text) {
  if (text.empty()) return InvalidArgument("must be a path, got nothing");
  return std::filesystem::path(text);
}

StatusOr<std::optional<std::string>> ParseText(const std::string& text) {
  if (text.empty()) return InvalidArgument("must be a text, got nothing");
  return std::optional(text);
}

StatusOr<std::uint64_t> ParsePositiveSize(const std::string& text) {
  StatusOr<std::uint64_t> size = ParseSize(text);
  if (size.ok() && *size == 0) return InvalidArgument("must be more than 0" + Got(text));
  return size;
}

StatusOr<Duration> ParseDuration(const std::string& text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  const std::string_view unit_name(stop, static_cast<std::size_t>(end - stop));
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& each) { return each.name == unit_name; });
  if (error == std::errc::invalid_argument || count < 0 || unit == kUnits.end()) {
    return InvalidArgument("must be a whole number and ms, s, m, h or d, such as 30s" + Got(text));
  }
  if (error == std::errc::result_out_of_range || count > kDurationMax / unit->length) {
    return InvalidArgument("must be at most " + FormatDuration(kDurationMax) + Got(text));
  }
  return count * unit->length;
}

StatusOr<Duration> ParsePositiveDuration(const std::string& text) {
  StatusOr<Duration> duration = ParseDuration(text);
  if (duration.ok() && duration->count() == 0) {
    return InvalidArgument("must be longer than 0" + Got(text));
  }
  return duration;
}

std::string FormatDuration(Duration duration) {
  const auto unit = std::find_if(kUnits.rbegin(), std::prev(kUnits.rend()), [&](const Unit& each) {
    return duration >= each.length && duration % each.length == Duration(0);
  });
  return std::to_string(duration / unit->length) + std::string(unit->name);
}

StatusOr<std::uint64_t> ParseSize(const std::string& text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  for (const auto& [unit, shift] : kSizeUnits) {
    if (error == std::errc() && rest == unit && count <= (~0ULL >> 1U) >> shift) {
      return count << shift;
    }
  }
  return InvalidArgument("must be a whole number of bytes, or with KiB, MiB or GiB" + Got(text));
}

StatusOr<Endpoint> ParseEndpoint(const std::string& text) {
  const auto wrong = [&text] {
    return InvalidArgument("must be HOST:PORT, such as 127.0.0.1:7400, [::1]:7400 or localhost:0" +
                           Got(text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  Endpoint endpoint;
  endpoint.host = text.substr(0, colon);
  const bool in_brackets =
      endpoint.host.size() > 2 && endpoint.host.front() == '[' && endpoint.host.back() == ']';
  if (in_brackets) endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  if (is_ipv6 != in_brackets || endpoint.host.find_first_of("[]") != std::string::npos) {
    return wrong();
  }
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, endpoint.port);
  if (endpoint.host.empty() || error != std::errc() || stop != end) return wrong();
  return endpoint;
}

std::string FormatEndpoint(const Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
         std::to_string(endpoint.port);
}

std::string FormatSize(std::uint64_t bytes) {
  const auto unit = std::find_if(
      kSizeUnits.rbegin(), std::prev(kSizeUnits.rend()),
      [&](const auto& each) { return bytes > 0 && bytes % (1ULL << each.second) == 0; });
  return std::to_string(bytes >> unit->second) + std::string(unit->first);
}

std::string TomlOf(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f') {
      out += c;
    } else {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  return out + "\"";
}

std::string TomlOf(const std::filesystem::path& path) {
  return path.empty() ? "" : TomlOf(path.string());
}

std::string TomlOf(const std::optional<std::string>& text) { return text ? TomlOf(*text) : ""; }

std::string TomlOf(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + TomlOf(text);
  return texts.empty() ? "" : "[" + out + "]";
}

std::string TomlOf(const std::vector<Duration>& waits) {
  std::vector<std::string> texts;
  for (const Duration wait : waits) texts.push_back(FormatDuration(wait));
  return TomlOf(texts);
}

std::string TomlOf(const Endpoint& endpoint) { return TomlOf(FormatEndpoint(endpoint)); }
std::string TomlOf(Duration duration) { return TomlOf(FormatDuration(duration)); }
std::string TomlOf(std::uint32_t count) { return std::to_string(count); }

std::string TomlOf(std::uint64_t size) {
  const std::string text = FormatSize(size);
  const bool is_number = text.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? text : TomlOf(text);
}

std::string TomlOf(bool on) { return on ? "\"on\"" : "\"off\""; }

std::string TomlOf(LogFormat format) {
  return TomlOf(std::string(format == LogFormat::kText ? "text" : "json"));
}

std::string TomlOf(Durability durability) {
  return TomlOf(std::string(durability == Durability::kFsync ? "fsync" : "buffered"));
}

}  // namespace ackwire
