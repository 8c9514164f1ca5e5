// Certificates are what --http and --grpc show to whoever connects, and what --grpc asks of them.
//
// Threads:  Read and Renew by one thread.
// Lifetime: outlives both servers.
#pragma once

#include <memory>
#include <optional>

#include "delivery/tls.h"
#include "store/status.h"
#include "tools/ackwired/config.h"
#include "tools/ackwired/grpc_tls.h"

namespace grpc {
class ServerCredentials;
}  // namespace grpc

namespace ackwire {

class Certificates {
 public:
  // Those that `config` names; without any, listeners do without TLS.
  //   kInvalidArgument, kNotFound  names flag and file, what was wrong and what would be right
  [[nodiscard]] static StatusOr<std::unique_ptr<Certificates>> Read(const Config& config);

  // Reads the same files again: new connections use what they have now. A listener whose files are
  // wrong keeps what it has. Both is logged.
  void Renew();

  // Null: --http is not encrypted.
  [[nodiscard]] const TlsSource* http() const { return http_ ? &*http_ : nullptr; }
  [[nodiscard]] std::shared_ptr<grpc::ServerCredentials> MakeGrpcCredentials();

 private:
  explicit Certificates(const Config& config) : config_(config) {}
  [[nodiscard]] Status ReadHttp();
  [[nodiscard]] Status ReadGrpc();

  const Config config_;
  std::optional<TlsSource> http_;
  std::optional<GrpcTls> grpc_;
};

}  // namespace ackwire
