#include "tools/ackwired/certificates.h"

#include <grpcpp/security/server_credentials.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace ackwire {
namespace {

void TellRenewed(const char* listener, const Status& status) {
  if (status.ok()) {
    spdlog::info("SIGHUP: the certificate of {} was read again, for new connections", listener);
  } else {
    spdlog::error("SIGHUP: {}; {} keeps the certificate that it has", MessageOf(status), listener);
  }
}

}  // namespace

StatusOr<std::unique_ptr<Certificates>> Certificates::Read(const Config& config) {
  std::unique_ptr<Certificates> certificates(new Certificates(config));
  Status status = certificates->ReadHttp();
  if (status.ok()) status = certificates->ReadGrpc();
  if (!status.ok()) return status;
  return certificates;
}

void Certificates::Renew() {
  if (http_) TellRenewed("--http", ReadHttp());
  if (grpc_) TellRenewed("--grpc", ReadGrpc());
}

std::shared_ptr<grpc::ServerCredentials> Certificates::MakeGrpcCredentials() {
  return grpc_ ? grpc_->MakeCredentials() : grpc::InsecureServerCredentials();
}

Status Certificates::ReadHttp() {
  if (config_.http_tls_cert.empty()) return OkStatus();
  const StatusOr<TlsIdentity> identity = ReadTlsIdentity({.cert_flag = "--http-tls-cert",
                                                          .cert = config_.http_tls_cert,
                                                          .key_flag = "--http-tls-key",
                                                          .key = config_.http_tls_key});
  if (!identity.ok()) return identity.status();
  if (http_) {
    http_->Replace(identity->context);
  } else {
    http_.emplace(identity->context);
  }
  return OkStatus();
}

Status Certificates::ReadGrpc() {
  if (config_.grpc_tls_cert.empty()) return OkStatus();
  StatusOr<TlsIdentity> identity = ReadTlsIdentity({.cert_flag = "--grpc-tls-cert",
                                                    .cert = config_.grpc_tls_cert,
                                                    .key_flag = "--grpc-tls-key",
                                                    .key = config_.grpc_tls_key});
  if (!identity.ok()) return identity.status();
  StatusOr<std::string> authorities =
      ReadTlsAuthorities("--grpc-tls-client-ca", config_.grpc_tls_client_ca);
  if (!authorities.ok()) return authorities.status();
  GrpcTls::Material material{*std::move(identity), *std::move(authorities)};
  if (grpc_) {
    grpc_->Replace(std::move(material));
  } else {
    grpc_.emplace(std::move(material));
  }
  return OkStatus();
}

}  // namespace ackwire
