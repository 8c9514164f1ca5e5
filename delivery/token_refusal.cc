#include "delivery/token_refusal.h"

#include "absl/strings/cord.h"

namespace ackwire {
namespace {

constexpr char kTokenReason[] = "ackwire/token_reason";
constexpr char kExpiredReason[] = "expired";

Status Unauthenticated(const char* message, const char* reason) {
  Status status = Error(StatusCode::kUnauthenticated, message);
  status.SetPayload(kTokenReason, absl::Cord(reason));
  return status;
}

}  // namespace

Status TokenRefused(const char* reason) {
  return Unauthenticated("a valid token is required", reason);
}

Status TokenExpired() { return Unauthenticated("the token has expired", kExpiredReason); }

bool IsTokenExpired(const Status& status) { return TokenReasonOf(status) == kExpiredReason; }

std::string TokenReasonOf(const Status& status) {
  const auto reason = status.GetPayload(kTokenReason);
  return reason ? std::string(*reason) : std::string();
}

}  // namespace ackwire
