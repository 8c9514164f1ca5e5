// Who calls by gRPC, by the token in the call's metadata: `authorization: Bearer …`.
//
// Threads: any.
#pragma once

#include <functional>

#include "delivery/caller.h"
#include "store/status.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace ackwire {

struct ServiceDependencies;

//   kUnauthenticated  there is no valid token, where one is needed
[[nodiscard]] StatusOr<Caller> CallerOf(const ServiceDependencies& deps,
                                        const grpc::CallbackServerContext& context);

// A unary call, as far as it is asked whether it may be made.
struct AskedCall {
  const ServiceDependencies& deps;
  const grpc::CallbackServerContext& context;
  grpc::ServerUnaryReactor& reactor;
};
// True when `may` is OK for the caller; else the call has ended.
[[nodiscard]] bool Admit(const AskedCall& call, const std::function<Status(const Caller&)>& may);

}  // namespace ackwire
