// Read: history of a channel, or of the whole log, in responses of bounded size; with `follow`,
// what is committed next.
//
// Threads:  gRPC's and the read pool's, one at a time.
// Lifetime: the reactor owns itself until gRPC is done with it.
// Bounds:   one response in memory; the next is read once gRPC has taken it.
#pragma once

#include "ackwire/v1/messages.pb.h"
#include "tools/ackwired/services.h"

namespace grpc {
template <class Response>
class ServerWriteReactor;
}

namespace ackwire {

[[nodiscard]] grpc::ServerWriteReactor<v1::ReadResponse>* StartReadStream(
    const ServiceDependencies& deps, const v1::ReadRequest& request);

}  // namespace ackwire
