// Claims say who a caller is and what it may do, by the word of a token's issuer.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/status.h"
#include "store/types.h"

namespace ackwire {

struct Claims {
  std::string user;
  // Names of channels, or with * at the end what they begin with.
  std::vector<std::string> subscribe;
  std::vector<std::string> publish;
  bool publish_as = false;  // may name another as the sender
  bool admin = false;       // operators' calls; no channel is opened by it
  Timestamp expires_at;     // from then on the token is refused: its `exp`, and the clock skew

  [[nodiscard]] bool MaySubscribe(std::string_view channel) const;
  [[nodiscard]] bool MayPublish(std::string_view channel) const;
  // Whatever stands behind this prefix.
  [[nodiscard]] bool MaySubscribeToAll(std::string_view prefix) const;
  // `client` is the user, or one of the user's devices.
  [[nodiscard]] bool IsUserOf(std::string_view client) const;
};

// How far the clocks of issuer and server may be apart.
inline constexpr Duration kClockSkew{60'000};

// What a token must say besides; none: anything.
struct TokenRules {
  std::optional<std::string> audience;
  std::optional<std::string> issuer;
};

// REQUIRES: a payload whose signature held.
//   kUnauthenticated  TokenRefused; TokenExpired when all else is good (delivery/token_refusal.h)
[[nodiscard]] StatusOr<Claims> ReadClaims(std::string_view payload, const TokenRules& rules,
                                          Timestamp now);

}  // namespace ackwire
