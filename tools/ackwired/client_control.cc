#include "tools/ackwired/client_control.h"

#include <utility>

#include "store/forgetter.h"
#include "store/limits.h"
#include "store/proto_time.h"
#include "tools/ackwired/client_view.h"

namespace ackwire {
namespace {

void Show(const ServiceDependencies& deps, const std::string& client,
          const ClientControlled& done) {
  ReadClients(deps, [client, done](const ClientView& view) { done(view.Get(client)); });
}

void SetPaused(const ServiceDependencies& deps, const std::string& client,
               const DeliveryServer::Pause& pause, const ClientControlled& done) {
  Status status = CheckClientName(client);
  if (status.ok()) status = CheckNote("reason", pause.note);
  if (!status.ok()) return done(status);
  deps.delivery.SetPaused(client, pause, [deps, client, done](const Status& recorded) {
    if (!recorded.ok()) return done(recorded);
    Show(deps, client, done);
  });
}

}  // namespace

void SetPaused(const ServiceDependencies& deps, const v1::PauseClientRequest& request,
               const ClientControlled& done) {
  SetPaused(deps, request.client(), {.paused = true, .note = request.reason()}, done);
}

void SetPaused(const ServiceDependencies& deps, const v1::ResumeClientRequest& request,
               const ClientControlled& done) {
  SetPaused(deps, request.client(), {.paused = false, .note = request.reason()}, done);
}

void Disconnect(const ServiceDependencies& deps, const v1::DisconnectClientRequest& request,
                const ClientControlled& done) {
  Status status = CheckClientName(request.client());
  if (status.ok()) status = CheckNote("reason", request.reason(), kCloseReasonBytesMax);
  if (!status.ok()) return done(status);
  const std::string reason =
      request.reason().empty() ? "disconnected by an operator" : request.reason();
  deps.delivery.Disconnect(request.client(), reason,
                           [deps, client = request.client(), done] { Show(deps, client, done); });
}

void Forget(const ServiceDependencies& deps, const v1::ForgetClientRequest& request,
            const ClientForgotten& done) {
  Status status = CheckClientName(request.client());
  if (status.ok()) status = CheckNote("note", request.note());
  if (!status.ok()) return done(status);
  deps.delivery.Forget(request.client(), request.note(),
                       [deps, done](const StatusOr<DeliveryServer::Forgotten>& forgotten) {
                         if (!forgotten.ok()) return done(forgotten.status());
                         v1::ForgetClientResponse response;
                         response.set_subscriptions(forgotten->subscriptions);
                         response.set_abandoned(forgotten->abandoned);
                         SetTime(*response.mutable_erased_by(), deps.clock.Now() + kForgetWithin);
                         done(response);
                       });
}

}  // namespace ackwire
