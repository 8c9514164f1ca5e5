// Who calls by gRPC, by the token in the call's metadata: `authorization: Bearer …`.
//
// Threads: any.
#pragma once

#include <functional>
#include <optional>

#include "delivery/caller.h"
#include "store/status.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace ackwire {

struct ServiceDependencies;

// What a caller is asked before it is let in.
using MayCall = std::function<Status(const Caller&)>;

// Who calls, when `may` is OK for it.
//   kUnauthenticated  there is no valid token, where one is needed
[[nodiscard]] StatusOr<Caller> AllowedCaller(const ServiceDependencies& deps,
                                             const grpc::CallbackServerContext& context,
                                             const MayCall& may);
// Whoever it is.
[[nodiscard]] StatusOr<Caller> CallerOf(const ServiceDependencies& deps,
                                        const grpc::CallbackServerContext& context);

// A unary call, as far as it is asked whether it may be made.
struct AskedCall {
  const ServiceDependencies& deps;
  const grpc::CallbackServerContext& context;
  grpc::ServerUnaryReactor& reactor;
};
// As AllowedCaller; none when that has ended the call.
[[nodiscard]] std::optional<Caller> Admit(const AskedCall& call, const MayCall& may);

}  // namespace ackwire
