#include "tools/ackwired/grpc_tls.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <utility>

#include "store/check.h"

namespace ackwire {
namespace {

// gRPC's C++ has nothing that takes certificates anew when it is told to: SslServerCredentials
// keeps the first, and TlsServerCredentials watches files itself and would take half of a change.
// Its C interface asks by a callback, before each handshake.
class FetchingCredentials final : public grpc::ServerCredentials {
 public:
  FetchingCredentials(grpc_ssl_server_certificate_config_callback fetch, void* source)
      : credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch, source))) {}
  ~FetchingCredentials() override { grpc_server_credentials_release(credentials_); }
  FetchingCredentials(const FetchingCredentials&) = delete;
  FetchingCredentials& operator=(const FetchingCredentials&) = delete;

  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& processor) override {
    CHECK(processor == nullptr, "tokens are no matter of a connection's credentials");
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

}  // namespace

GrpcTls::GrpcTls(Material material) : material_(std::move(material)) {}

void GrpcTls::Replace(Material material) {
  const std::scoped_lock lock(mutex_);
  material_ = std::move(material);
  is_new_ = true;
}

grpc_ssl_certificate_config_reload_status GrpcTls::Fetch(
    void* self, grpc_ssl_server_certificate_config** config) {
  auto& tls = *static_cast<GrpcTls*>(self);
  const std::scoped_lock lock(tls.mutex_);
  if (!std::exchange(tls.is_new_, false)) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const TlsIdentity& identity = tls.material_.identity;
  const grpc_ssl_pem_key_cert_pair pair{identity.key.c_str(), identity.certificates.c_str()};
  *config =
      grpc_ssl_server_certificate_config_create(tls.material_.client_authorities.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

std::shared_ptr<grpc::ServerCredentials> GrpcTls::MakeCredentials() {
  return std::make_shared<FetchingCredentials>(&GrpcTls::Fetch, this);
}

}  // namespace ackwire
