// The gRPC services of the contract, each made of what it serves.
//
// Threads:  handlers run on gRPC's threads and only post: what may block on disk runs on the read
//           pool, what writes on the store's writer.
// Lifetime: a service borrows all it is given, until the gRPC server that has it is shut down and
//           the store has answered what was submitted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "delivery/delivery_server.h"
#include "delivery/metrics.h"
#include "delivery/policies.h"
#include "delivery/server_drain.h"
#include "outbox/relay.h"
#include "store/clock.h"
#include "store/store.h"
#include "tools/ackwired/server_state.h"

namespace grpc {
class Service;
}

namespace ackwire {

class TokenVerifier;

struct ServiceDependencies {
  Store& store;
  DeliveryServer& delivery;
  const Relay& relay;
  const Clock& clock;
  Metrics& metrics;
  const Policies& policies;
  const ServerState& state;
  const TokenVerifier* tokens = nullptr;  // null: everybody is trusted
  std::uint64_t min_free_bytes = 0;       // of disk: the rest is not for backups
  // Begins a drain; `begun` is given how many sessions there are.
  std::function<void(const ServerDrain::Order&, std::function<void(std::uint64_t)> begun)> drain;
};

[[nodiscard]] std::unique_ptr<grpc::Service> MakeMessageService(const ServiceDependencies& deps);
[[nodiscard]] std::unique_ptr<grpc::Service> MakeSubscriptionService(
    const ServiceDependencies& deps);
[[nodiscard]] std::unique_ptr<grpc::Service> MakeDeliveryService(const ServiceDependencies& deps);
[[nodiscard]] std::unique_ptr<grpc::Service> MakeAdminService(const ServiceDependencies& deps);

}  // namespace ackwire
