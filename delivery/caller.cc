#include "delivery/caller.h"

#include <absl/strings/match.h>
#include <spdlog/spdlog.h>

#include "delivery/token_refusal.h"
#include "delivery/token_verifier.h"

namespace ackwire {
namespace {

Status Denied(const char* what) {
  return Error(StatusCode::kPermissionDenied,
               std::string("the token does not allow this: it takes ") + what);
}

}  // namespace

Status Caller::MayBe(std::string_view client) const {
  if (trusted() || claims_->IsUserOf(client)) return OkStatus();
  return Denied("a client of its own user");
}

Status Caller::MaySubscribe(std::string_view channel) const {
  if (trusted() || claims_->MaySubscribe(channel)) return OkStatus();
  return Denied("a pattern in its claim subscribe that the channel fits");
}

Status Caller::MayPublish(std::string_view channel) const {
  if (trusted() || claims_->MayPublish(channel)) return OkStatus();
  return Denied("a pattern in its claim publish that the channel fits");
}

Status Caller::MaySubscribeToAll(std::string_view prefix) const {
  if (trusted() || claims_->MaySubscribeToAll(prefix)) return OkStatus();
  return Denied("a pattern in its claim subscribe that all these channels fit");
}

Status Caller::MayAdminister() const {
  return trusted() || claims_->admin ? OkStatus() : Denied("the claim admin");
}

Status Caller::MayActFor(std::string_view client) const {
  if (MayBe(client).ok() || MayAdminister().ok()) return OkStatus();
  return Denied("a client of its own user, or the claim admin");
}

Status Caller::Sign(PublishWork& work) const {
  std::string& sender = *work.draft.mutable_sender();
  if (trusted()) {
    // It may publish as anyone. But who names a sender acts as that sender, and no sender may
    // change what another one wrote.
    work.may_publish_as = sender.empty();
    return OkStatus();
  }
  if (Status status = MayPublish(work.draft.channel()); !status.ok()) return status;
  if (sender.empty()) sender = claims_->user;
  work.may_publish_as = claims_->publish_as;
  if (sender == claims_->user || claims_->publish_as) return OkStatus();
  return Denied("its own user as the sender, or the claim publishAs");
}

std::optional<Timestamp> Caller::expires_at() const {
  return trusted() ? std::nullopt : std::optional(claims_->expires_at);
}

Status Caller::CheckExpiry(Timestamp now) const {
  return trusted() || now < claims_->expires_at ? OkStatus() : TokenExpired();
}

StatusOr<Caller> IdentifyCaller(const TokenVerifier* tokens, std::string_view token,
                                Timestamp now) {
  if (tokens == nullptr) return Caller();
  StatusOr<Claims> claims = tokens->Verify(token, now);
  if (claims.ok()) return Caller(*std::move(claims));
  spdlog::debug("a token was refused: {}", TokenReasonOf(claims.status()));
  return claims.status();
}

StatusOr<Caller> IdentifyClient(const TokenVerifier* tokens, const ClientToken& presented,
                                Timestamp now) {
  StatusOr<Caller> caller = IdentifyCaller(tokens, presented.token, now);
  if (!caller.ok()) return caller.status();
  if (Status status = caller->MayBe(presented.client); !status.ok()) return status;
  return caller;
}

std::string_view BearerTokenOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!absl::StartsWithIgnoreCase({authorization.data(), authorization.size()},
                                  {kScheme.data(), kScheme.size()})) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  const std::size_t begin = authorization.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view() : authorization.substr(begin);
}

}  // namespace ackwire
