// gRPC's callback API answers a request that it cannot parse, and a method that nobody overrides,
// with the same bare UNIMPLEMENTED. The interceptor made here tells them apart, gives the first the
// contract's code, and both a sentence.
#pragma once

#include <memory>

namespace grpc::experimental {
class ServerInterceptorFactoryInterface;
}

namespace ackwire {

inline constexpr char kMalformed[] =
    "the request is not a protobuf message of its type, or a string in it is not UTF-8";

[[nodiscard]] std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakeRefusalInterceptors();

}  // namespace ackwire
