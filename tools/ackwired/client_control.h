// What operators do to one client. Each is answered with the client as it is afterwards.
//
// Threads:  any; `done` comes once, on one of the server's threads.
// Lifetime: borrows all that `deps` names until then.
#pragma once

#include <functional>

#include "ackwire/v1/deliveries.pb.h"
#include "store/status.h"
#include "tools/ackwired/services.h"

namespace ackwire {

// All of these:
//   kInvalidArgument  the client's name is none, or the reason too long
//   kNotFound         the client has never subscribed and never connected
using ClientControlled = std::function<void(StatusOr<v1::Client>)>;

// Once it is on disk. What is so already stays as it is.
void SetPaused(const ServiceDependencies& deps, const v1::PauseClientRequest& request,
               const ClientControlled& done);
void SetPaused(const ServiceDependencies& deps, const v1::ResumeClientRequest& request,
               const ClientControlled& done);
// Once the session has ended, and what was in flight is on record. One that is not connected stays
// as it is.
void Disconnect(const ServiceDependencies& deps, const v1::DisconnectClientRequest& request,
                const ClientControlled& done);

// Once it is on disk: nothing is known of it any more.
using ClientForgotten = std::function<void(StatusOr<v1::ForgetClientResponse>)>;
void Forget(const ServiceDependencies& deps, const v1::ForgetClientRequest& request,
            const ClientForgotten& done);

}  // namespace ackwire
