// The values of flags: from text, and back to how they stand in the file that --config names.
//
// A Parse function says what was wrong with the text and what would be right (kInvalidArgument);
// whoever calls it says of which flag. TomlOf gives nothing for what is not set.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "delivery/delivery_server.h"
#include "store/database.h"
#include "store/status.h"
#include "store/types.h"
#include "tools/ackwired/logging.h"

namespace ackwire {

// `250ms`, `30s`, `15m`, `12h`, `7d`.
[[nodiscard]] StatusOr<Duration> ParseDuration(const std::string& text);
// The same, longer than 0.
[[nodiscard]] StatusOr<Duration> ParsePositiveDuration(const std::string& text);
[[nodiscard]] std::string FormatDuration(Duration duration);
// Several, with commas between them.
[[nodiscard]] StatusOr<std::vector<Duration>> ParseBackoff(const std::string& text);
[[nodiscard]] std::string FormatBackoff(const std::vector<Duration>& waits);

// `1024`, `64KiB`, `256MiB`, `2GiB`: bytes.
[[nodiscard]] StatusOr<std::uint64_t> ParseSize(const std::string& text);
[[nodiscard]] StatusOr<std::uint64_t> ParsePositiveSize(const std::string& text);
[[nodiscard]] std::string FormatSize(std::uint64_t bytes);

// A whole number, at least 1.
[[nodiscard]] StatusOr<std::uint32_t> ParseCount(const std::string& text);
// What a client may ask for at most is also the most that may be given to all.
[[nodiscard]] StatusOr<std::uint32_t> ParseWindow(const std::string& text);
[[nodiscard]] StatusOr<std::size_t> ParseIoThreads(const std::string& text);

[[nodiscard]] StatusOr<bool> ParseSwitch(const std::string& text);
[[nodiscard]] StatusOr<LogFormat> ParseLogFormat(const std::string& text);
[[nodiscard]] StatusOr<Durability> ParseDurability(const std::string& text);
[[nodiscard]] StatusOr<std::filesystem::path> ParsePath(const std::string& text);
[[nodiscard]] StatusOr<std::optional<std::string>> ParseText(const std::string& text);

// `HOST:PORT`; an IPv6 address stands in brackets, and has none in Endpoint::host.
[[nodiscard]] StatusOr<Endpoint> ParseEndpoint(const std::string& text);
[[nodiscard]] std::string FormatEndpoint(const Endpoint& endpoint);

// What kParse takes, or `none`: for ever is no limit.
template <typename T, StatusOr<T> (*kParse)(const std::string&)>
[[nodiscard]] StatusOr<std::optional<T>> ParseLimit(const std::string& text) {
  if (text == "none") return std::optional<T>();
  const StatusOr<T> limit = kParse(text);
  if (!limit.ok()) return InvalidArgument(MessageOf(limit.status()) + "; or none");
  return std::optional<T>(*limit);
}

[[nodiscard]] std::string TomlOf(const std::string& text);
[[nodiscard]] std::string TomlOf(const std::filesystem::path& path);
[[nodiscard]] std::string TomlOf(const std::optional<std::string>& text);
[[nodiscard]] std::string TomlOf(const std::vector<std::string>& texts);
[[nodiscard]] std::string TomlOf(const std::vector<Duration>& waits);
[[nodiscard]] std::string TomlOf(const Endpoint& endpoint);
[[nodiscard]] std::string TomlOf(Duration duration);
[[nodiscard]] std::string TomlOf(std::uint32_t count);
[[nodiscard]] std::string TomlOf(std::uint64_t size);
[[nodiscard]] std::string TomlOf(bool on);
[[nodiscard]] std::string TomlOf(LogFormat format);
[[nodiscard]] std::string TomlOf(Durability durability);
template <typename T>
[[nodiscard]] std::string TomlOf(const std::optional<T>& limit) {
  return limit ? TomlOf(*limit) : "\"none\"";
}

}  // namespace ackwire
