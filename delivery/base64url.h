// Base64url as JOSE has it (RFC 7515, section 2): without padding, and with one spelling for each
// string of bytes.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ackwire {

// None for padding, any other character, a length that no bytes have, and nonzero bits at the end
// that belong to no byte: with these, one signature would have several spellings.
[[nodiscard]] std::optional<std::string> DecodeBase64Url(std::string_view text);

}  // namespace ackwire
