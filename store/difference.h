// What `ackctl verify` prints: one thing on disk that is not as it should be.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "store/database.h"
#include "store/types.h"

namespace ackwire {

struct Difference {
  std::string family;                   // or "file", "watermark"
  std::string key;                      // for people: "client alice, channel room/1"
  std::optional<std::string> stored;    // none: missing
  std::optional<std::string> expected;  // none: it should not be there
};

using DifferenceSink = std::function<void(const Difference&)>;

// The name of a channel for people, also of one that has none.
using ChannelNamer = std::function<std::string(ChannelId)>;

// Keys of all families and values of the derived ones and meta, for people. What cannot be parsed
// is said to be so.
[[nodiscard]] std::string ReadableKey(Family family, std::string_view key,
                                      const ChannelNamer& name_of);
// The same where channels have only their numbers.
[[nodiscard]] std::string ReadableKey(Family family, std::string_view key);
[[nodiscard]] std::string ReadableValue(Family family, std::string_view key,
                                        std::string_view value);

inline std::string NameOf(JournalNumber number) {
  return "journal record " + std::to_string(number.value);
}
inline std::string Text(std::uint64_t number) { return std::to_string(number); }
// "5", or "5 to 9".
[[nodiscard]] std::string RangeText(std::uint64_t first, std::uint64_t last);

}  // namespace ackwire
