// Streams that read on where they stopped, and with `follow` wait for what comes next: Read, the
// history of a channel or of the whole log, in responses of bounded size; WatchFailures.
//
// Threads:  gRPC's and the read pool's, one at a time.
// Lifetime: a reactor owns itself until gRPC is done with it.
// Bounds:   one response in memory, of failures up to 100; the next is read once gRPC has taken it.
#pragma once

#include "ackwire/v1/deliveries.pb.h"
#include "ackwire/v1/messages.pb.h"
#include "tools/ackwired/services.h"

namespace grpc {
class CallbackServerContext;
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace ackwire {

// Both end at once with what the caller may not do, and once it is nobody any more.
[[nodiscard]] grpc::ServerWriteReactor<v1::ReadResponse>* StartReadStream(
    const ServiceDependencies& deps, const v1::ReadRequest& request,
    grpc::CallbackServerContext& context);

// Ends else only with the call. The answer's headers, sent at once, have the log's epoch.
[[nodiscard]] grpc::ServerWriteReactor<v1::Failure>* StartFailureStream(
    const ServiceDependencies& deps, const v1::WatchFailuresRequest& request,
    grpc::CallbackServerContext& context);

}  // namespace ackwire
