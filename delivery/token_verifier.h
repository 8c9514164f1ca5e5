// TokenVerifier takes a caller's token and says who that is. The keys can be replaced at any time.
//
// Threads: all of it from any.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "delivery/claims.h"
#include "delivery/jwk_set.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

class TokenVerifier {
 public:
  TokenVerifier(std::shared_ptr<const JwkSet> keys, TokenRules rules);

  // An empty token is refused like any that is wrong.
  //   kUnauthenticated  one text for whatever is wrong; IsTokenExpired and TokenReasonOf
  //                     (delivery/token_refusal.h) tell more
  [[nodiscard]] StatusOr<Claims> Verify(std::string_view token, Timestamp now) const;

  // All keys at once. What was verified before stays so.
  void Replace(std::shared_ptr<const JwkSet> keys);

 private:
  [[nodiscard]] std::shared_ptr<const JwkSet> keys() const;

  const TokenRules rules_;
  mutable std::mutex mutex_;  // guards the pointer, not the set
  std::shared_ptr<const JwkSet> keys_;
};

}  // namespace ackwire
