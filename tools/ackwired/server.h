// Server wires everything: data directory, listeners, relay, gRPC services; starts it in the order
// in which one needs the other, and ends it in the opposite one.
//
// Threads:  Start and the destructor by one thread; the rest by any.
// Lifetime: the destructor ends what is under way, puts all on disk and closes.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "delivery/delivery_server.h"
#include "delivery/metrics.h"
#include "delivery/policies.h"
#include "delivery/server_drain.h"
#include "delivery/token_verifier.h"
#include "outbox/relay.h"
#include "outbox/relay_thread.h"
#include "store/outbox_rows.h"
#include "store/status.h"
#include "store/store.h"
#include "tools/ackwired/admin_calls.h"
#include "tools/ackwired/certificates.h"
#include "tools/ackwired/config.h"
#include "tools/ackwired/server_state.h"
#include "tools/ackwired/services.h"
#include "tools/ackwired/system_clock.h"

namespace grpc {
class HealthCheckServiceInterface;
class Server;
class Service;
}  // namespace grpc

namespace ackwire {

class Server {
 public:
  // Why the server is to be ended. Called on any thread.
  struct Ends {
    std::function<void()> failed;   // it can take no more writes; may be called again
    std::function<void()> drained;  // the drain is over
  };
  // What the files hold that the configuration names, but for the data.
  struct Files {
    std::vector<ChannelPattern> patterns;
    std::shared_ptr<const JwkSet> keys;  // null: every caller is trusted
    std::unique_ptr<Certificates> certificates;
  };
  // Whether the configuration is one to serve by: what is wrong here does not mend itself.
  //   kFailedPrecondition, kInvalidArgument, kNotFound  what it was, and what would be right
  [[nodiscard]] static StatusOr<Files> ReadFiles(const Config& config);
  // Serves when it returns.
  //   kFailedPrecondition, kUnavailable, kDataLoss  what it was, and what to do
  [[nodiscard]] static StatusOr<std::unique_ptr<Server>> Start(const Config& config, Files files,
                                                               Ends ends);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Reads the channels' policies, the keys and the certificates again: they hold for what is
  // published, sent and fails, for whoever calls, and for new connections, from now on. What is
  // wrong stays as it was, and is logged. `settings`: what is wrong with the rest of the file that
  // has the policies.
  void Renew(const Status& settings);

  // Empties the server, and then has it ended (delivery/server_drain.h).
  void Drain(const ServerDrain::Order& order, std::function<void(std::uint64_t sessions)> begun);

  // Where it listens, with the ports that were picked.
  [[nodiscard]] std::string ReadyLine() const;

 private:
  Server(const Config& config, Files files, Ends ends);

  [[nodiscard]] Status OpenStore();
  [[nodiscard]] Status BindDelivery();
  [[nodiscard]] Status StartDelivery();
  [[nodiscard]] Status StartGrpc();
  [[nodiscard]] Status RenewPolicies();
  [[nodiscard]] Status RenewKeys();
  [[nodiscard]] const TokenVerifier* tokens() const { return tokens_ ? &*tokens_ : nullptr; }
  void OnFailure(const Status& status);
  void StopGrpc();

  const Config config_;
  const Ends ends_;
  const SystemClock clock_;
  Policies policies_;
  std::optional<TokenVerifier> tokens_;  // none: every caller is trusted
  ServerState state_;
  Metrics metrics_;
  const std::unique_ptr<Certificates> certificates_;

  // In the order of starting: each uses those above it.
  std::unique_ptr<Store> store_;
  std::unique_ptr<DeliveryServer> delivery_;
  std::optional<OutboxRows> outbox_rows_;
  std::optional<Relay> relay_;
  std::unique_ptr<RelayThread> relay_thread_;
  bool delivery_started_ = false;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<AdminCalls> admin_calls_;
  Endpoint grpc_endpoint_;

  std::mutex mutex_;  // guards the next two, and what OnFailure uses, which is gone once it is set
  bool stopping_ = false;
  grpc::HealthCheckServiceInterface* health_ = nullptr;  // while gRPC is served
};

}  // namespace ackwire
