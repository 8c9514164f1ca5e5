// The target of a request: path and query, split and percent-decoded.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/status.h"
#include "store/types.h"

namespace ackwire {

struct HttpTarget {
  std::vector<std::string> segments;  // of `/a/b`: "a", "b"; a `%2F` does not split
  std::map<std::string, std::string> query;
};

// In a query `+` is itself, not a space: no name has white space in it, and some have a plus.
//   kInvalidArgument  no path, a bad percent-encoding, a name twice in the query, or a token there
[[nodiscard]] StatusOr<HttpTarget> ParseTarget(std::string_view target);

// `/v1/channels/{channel}/messages`, or one message of it, or that one's receipts.
struct MessagesPath {
  std::string channel;
  std::optional<std::string> seq;  // as given
  bool receipts = false;           // with a seq
};
// None for any other path.
[[nodiscard]] std::optional<MessagesPath> MessagesPathOf(const HttpTarget& target);

// A number as paths and queries give it: digits alone.
struct WholeBounds {
  std::uint64_t low = 0;
  std::uint64_t high = UINT64_MAX;
};
//   kInvalidArgument  names the field and the bounds
[[nodiscard]] StatusOr<std::uint64_t> ParseWhole(const char* field, std::string_view text,
                                                 const WholeBounds& bounds);
[[nodiscard]] StatusOr<Seq> ParseSeq(std::string_view text);

}  // namespace ackwire
