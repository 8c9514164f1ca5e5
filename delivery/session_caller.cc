// Who a session is, and what it may do: by its token.
#include <utility>

#include "delivery/hub.h"
#include "delivery/session.h"
#include "delivery/token_refusal.h"

namespace ackwire {

// False when that has ended the session.
bool Session::Admit() {
  const std::string& token = connect_.token.empty() ? token_ : connect_.token;
  StatusOr<Caller> caller = IdentifyClient(hub_.deps().tokens, {client(), token}, hub_.now());
  token_.clear();
  connect_.token.clear();
  if (!caller.ok()) {
    Refuse(caller.status());
    return false;
  }
  caller_ = *std::move(caller);
  return true;
}

void Session::Refuse(const Status& status) {
  Shut(IsTokenExpired(status) ? close_code::kTokenExpired : close_code::kUnauthorized,
       MessageOf(status));
}

std::vector<Status> Session::TakeDeniedSubscriptions() {
  std::vector<Status> denied;
  std::vector<frame::Subscribe> allowed;
  for (frame::Subscribe& each : connect_.subscriptions) {
    const Status status = caller_.MaySubscribe(each.channel);
    if (status.ok()) {
      allowed.push_back(std::move(each));
    } else {
      denied.push_back(Error(status.code(), each.channel + ": " + MessageOf(status)));
    }
  }
  connect_.subscriptions = std::move(allowed);
  return denied;
}

void Session::On(frame::Refresh& frame) {
  if (caller_.trusted()) {
    const Status status =
        Error(StatusCode::kFailedPrecondition, "refresh: this server has no keys");
    return outlet_.Write(protocol_.EncodeError(frame.id, status), {});
  }
  StatusOr<Caller> caller = IdentifyClient(hub_.deps().tokens, {client(), frame.token}, hub_.now());
  if (!caller.ok()) return Refuse(caller.status());
  caller_ = *std::move(caller);
  ledger_->SetCaller(caller_, hub_.now());
  outlet_.Write(protocol_.EncodeRefreshed(frame.id), {});
}

}  // namespace ackwire
