// Secrets that the server gives away and has shown to it again: nobody can guess one, and how long
// a comparison takes says nothing of how much of it was right. OpenSSL makes them.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "store/status.h"

namespace ackwire {

// 256 bits at random, as 64 hexadecimal digits.
//   kUnavailable  the system has no randomness to give
[[nodiscard]] StatusOr<std::string> MakeSecret();

[[nodiscard]] bool IsSameSecret(std::string_view one, std::string_view other);

}  // namespace ackwire
