// A JSON Web Signature in its compact form (RFC 7515): what was signed, once the signature held.
//
// Threads: any.
// Bounds:  kTokenBytesMax; nothing of a longer one is looked at.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "delivery/jwk_set.h"
#include "store/status.h"

namespace ackwire {

inline constexpr std::size_t kTokenBytesMax = 8 * 1024;

// The payload. The key is the one that `kid` names, the algorithm that key's: `alg` must say the
// same and decides nothing. A header that brings a key of its own, or asks for extensions, is
// refused.
//   kUnauthenticated  TokenRefused (delivery/token_refusal.h)
[[nodiscard]] StatusOr<std::string> OpenJws(std::string_view token, const JwkSet& keys);

}  // namespace ackwire
