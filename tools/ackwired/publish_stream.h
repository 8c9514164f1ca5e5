// PublishStream, pipelined: requests go to the writer as they come, and their results back in the
// order of the requests, one response for each request of the stream.
//
// It reads and writes bytes: from gRPC, a message that cannot be parsed and the end of the stream
// would look the same.
//
// It ends with kUnauthenticated where the caller is nobody, or nobody any more.
//
// Threads:  gRPC's, and the writer's when it answers.
// Lifetime: the reactor owns itself until gRPC and the writer are done with it.
// Bounds:   beyond kUnansweredMax messages, or kUnansweredBytesMax of payload, whose results the
//           client has not been sent, nothing more is read from it.
#pragma once

#include <cstddef>

#include "delivery/caller.h"
#include "tools/ackwired/publish.h"
#include "tools/ackwired/services.h"

namespace grpc {
class ByteBuffer;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace ackwire {

inline constexpr std::size_t kUnansweredMax = 4096;
// A fraction of what the writer queues: one stream does not shut out the others.
inline constexpr std::size_t kUnansweredBytesMax = 8ULL << 20U;

[[nodiscard]] grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartPublishStream(
    const ServiceDependencies& deps, PublishMetadata metadata, StatusOr<Caller> caller);

}  // namespace ackwire
