#include "tools/ackwired/grpc_caller.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <string_view>

#include "tools/ackwired/grpc_status.h"
#include "tools/ackwired/services.h"

namespace ackwire {

StatusOr<Caller> CallerOf(const ServiceDependencies& deps,
                          const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto [first, last] = metadata.equal_range("authorization");
  // Two of them: whoever stands between might have checked the other one.
  const bool one = first != last && std::next(first) == last;
  const std::string_view authorization =
      one ? std::string_view(first->second.data(), first->second.size()) : std::string_view();
  return IdentifyCaller(deps.tokens, BearerTokenOf(authorization), deps.clock.Now());
}

StatusOr<Caller> AllowedCaller(const ServiceDependencies& deps,
                               const grpc::CallbackServerContext& context, const MayCall& may) {
  StatusOr<Caller> caller = CallerOf(deps, context);
  if (!caller.ok()) return caller.status();
  if (Status status = may(*caller); !status.ok()) return status;
  return caller;
}

std::optional<Caller> Admit(const AskedCall& call, const MayCall& may) {
  StatusOr<Caller> caller = AllowedCaller(call.deps, call.context, may);
  if (caller.ok()) return *std::move(caller);
  Finish(call.reactor, caller.status());
  return std::nullopt;
}

}  // namespace ackwire
