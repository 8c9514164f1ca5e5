// From a request to publish to the writer's work, and from its outcome to the answer.
#pragma once

#include <string>

#include "ackwire/v1/messages.pb.h"
#include "store/status.h"
#include "store/work.h"

namespace grpc {
class CallbackServerContext;
}

namespace ackwire {

class Caller;
struct ServiceDependencies;

// What a publisher says outside of the message, in the call's metadata.
struct PublishMetadata {
  std::string traceparent;
  std::string address;    // where the call comes from, without the port
  bool is_retry = false;  // `ackwire-attempt` is more than 1
};
[[nodiscard]] PublishMetadata PublishMetadataOf(const grpc::CallbackServerContext& context);

// The work without its `done`.
//   kInvalidArgument   names the field and the limit
//   kPermissionDenied  the caller may not publish this (Caller::Sign)
[[nodiscard]] StatusOr<PublishWork> WorkFor(v1::PublishRequest request,
                                            const PublishMetadata& metadata, const Caller& caller);
// To the writer, if the channel takes it (delivery/admission.h) and the publisher is not too quick.
void Submit(const ServiceDependencies& deps, const PublishMetadata& metadata, PublishWork work);

// `127.0.0.1` of gRPC's `ipv4:127.0.0.1:50051`, `::1` of `ipv6:%5B::1%5D:50051`.
[[nodiscard]] std::string AddressOfPeer(const std::string& peer);

// For the metrics: a publish that was handed to the writer at `started` is answered.
void CountAnswer(const ServiceDependencies& deps, const StatusOr<Published>& published,
                 Timestamp started);

// All but the channel.
void Fill(const Published& published, const std::string& epoch, v1::PublishResponse& response);

}  // namespace ackwire
