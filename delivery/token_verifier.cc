#include "delivery/token_verifier.h"

#include <string>
#include <utility>

#include "delivery/jws.h"

namespace ackwire {

TokenVerifier::TokenVerifier(std::shared_ptr<const JwkSet> keys, TokenRules rules)
    : rules_(std::move(rules)), keys_(std::move(keys)) {}

StatusOr<Claims> TokenVerifier::Verify(std::string_view token, Timestamp now) const {
  const StatusOr<std::string> payload = OpenJws(token, *keys());
  if (!payload.ok()) return payload.status();
  return ReadClaims(*payload, rules_, now);
}

void TokenVerifier::Replace(std::shared_ptr<const JwkSet> keys) {
  const std::scoped_lock lock(mutex_);
  keys_.swap(keys);
}

std::shared_ptr<const JwkSet> TokenVerifier::keys() const {
  const std::scoped_lock lock(mutex_);
  return keys_;
}

}  // namespace ackwire
