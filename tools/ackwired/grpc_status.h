// A Status as gRPC has it: the codes have the same numbers.
#pragma once

#include <functional>
#include <utility>

#include "store/status.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
class Status;
}  // namespace grpc

namespace ackwire {

grpc::Status ToGrpc(const Status& status);
[[nodiscard]] Status FromGrpc(const grpc::Status& status);

// Whether the caller still waits: neither gone nor beyond its deadline. Valid until the call ends.
[[nodiscard]] std::function<bool()> Wanted(const grpc::CallbackServerContext* context);

// Ends a call.
void Finish(grpc::ServerUnaryReactor& reactor, const Status& status);
// Ends a call with what it came to. Borrows both until then.
template <typename Response>
[[nodiscard]] std::function<void(StatusOr<Response>)> Finishing(grpc::ServerUnaryReactor* reactor,
                                                                Response* response) {
  return [reactor, response](StatusOr<Response> outcome) {
    if (outcome.ok()) *response = *std::move(outcome);
    Finish(*reactor, outcome.status());
  };
}

}  // namespace ackwire
