// Caller is who calls, and what that may do: what the claims of its token say, or anything, where
// the server has no keys.
//
// Threads: any; it does not change.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/claims.h"
#include "store/status.h"
#include "store/types.h"
#include "store/work.h"

namespace ackwire {

class TokenVerifier;

class Caller {
 public:
  Caller() = default;  // trusted
  explicit Caller(Claims claims) : claims_(std::make_shared<const Claims>(std::move(claims))) {}

  // All of these: kPermissionDenied, which says what claim is missing and nothing of whether there
  // is such a channel, client or message.
  [[nodiscard]] Status MayBe(std::string_view client) const;
  [[nodiscard]] Status MaySubscribe(std::string_view channel) const;
  [[nodiscard]] Status MayPublish(std::string_view channel) const;
  // All channels whose names begin so, also those that there will be.
  [[nodiscard]] Status MaySubscribeToAll(std::string_view prefix) const;
  [[nodiscard]] Status MayAdminister() const;
  // What is asked or done about one client: by its user, or an operator.
  [[nodiscard]] Status MayActFor(std::string_view client) const;

  // Makes it the sender of what it publishes, or takes the one that the message names.
  //   kPermissionDenied  the channel, or the sender, is not one of its own
  [[nodiscard]] Status Sign(PublishWork& work) const;

  [[nodiscard]] bool trusted() const { return claims_ == nullptr; }
  [[nodiscard]] std::string user() const { return trusted() ? "" : claims_->user; }
  // From then on it is nobody any more; none: never.
  [[nodiscard]] std::optional<Timestamp> expires_at() const;
  //   kUnauthenticated  TokenExpired (delivery/token_refusal.h)
  [[nodiscard]] Status CheckExpiry(Timestamp now) const;

 private:
  std::shared_ptr<const Claims> claims_;
};

// Who gives this token. Without a verifier nobody needs one, and everybody is trusted.
//   kUnauthenticated  as TokenVerifier::Verify
[[nodiscard]] StatusOr<Caller> IdentifyCaller(const TokenVerifier* tokens, std::string_view token,
                                              Timestamp now);

// The same, of whoever acts as `client` by it.
//   kPermissionDenied  the client is another user's
struct ClientToken {
  std::string_view client;
  std::string_view token;
};
[[nodiscard]] StatusOr<Caller> IdentifyClient(const TokenVerifier* tokens,
                                              const ClientToken& presented, Timestamp now);

// The token in the value of an Authorization header; empty when it holds none.
[[nodiscard]] std::string_view BearerTokenOf(std::string_view authorization);

}  // namespace ackwire
