// GrpcTls is mutual TLS for gRPC: clients prove by a certificate who they are, or the handshake
// fails. What new connections use can be replaced.
//
// Threads:  any; gRPC asks for certificates on threads of its own.
// Lifetime: outlives the server that has its credentials.
#pragma once

#include <grpc/grpc_security.h>

#include <memory>
#include <mutex>
#include <string>

#include "delivery/tls.h"
#include "store/status.h"

namespace grpc {
class ServerCredentials;
}  // namespace grpc

namespace ackwire {

class GrpcTls {
 public:
  struct Material {
    TlsIdentity identity;
    std::string client_authorities;  // PEM
  };
  explicit GrpcTls(Material material);

  void Replace(Material material);
  [[nodiscard]] std::shared_ptr<grpc::ServerCredentials> MakeCredentials();

 private:
  // gRPC asks before each handshake what is new since it asked last.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);

  std::mutex mutex_;  // guards the rest: connections come while a signal replaces it
  Material material_;
  bool is_new_ = true;
};

}  // namespace ackwire
