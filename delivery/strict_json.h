// JSON as it is taken from outside: bounded in depth, valid UTF-8, without lone surrogates, and
// without a key that stands twice in one object (of two such values, different programs read
// different ones).
//
// Threads: any.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kJsonDepthMax = 32;
// Of a payload that is embedded as it is; whoever published it by gRPC was not held to the other.
inline constexpr std::size_t kPayloadDepthMax = 256;

// The whole of `text` as one value.
//   kInvalidArgument  names `what`, and says what is wrong
[[nodiscard]] StatusOr<boost::json::value> ParseStrictJson(std::string_view text, const char* what);

// True when `text` is JSON at most kPayloadDepthMax deep.
[[nodiscard]] bool IsJson(std::string_view text);

// The member's value as it stands in the text of an object, without the white space around it; none
// when there is no such member. REQUIRES: valid JSON.
[[nodiscard]] std::optional<std::string_view> MemberText(std::string_view object,
                                                         std::string_view name);

// Appends `text` as a JSON string. REQUIRES: valid UTF-8.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace ackwire
