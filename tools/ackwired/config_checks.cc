#include "tools/ackwired/config_checks.h"

#include <array>
#include <boost/asio/ip/address.hpp>
#include <string>
#include <utility>
#include <vector>

namespace ackwire {
namespace {

bool IsLoopback(const std::string& host) {
  if (host == "localhost") return true;
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(host, ec);
  return !ec && address.is_loopback();
}

// Flags that are given all or not at all.
struct FlagPart {
  const char* flag;
  bool given;
};

std::string MissingOf(const std::vector<FlagPart>& parts) {
  std::string missing;
  for (const FlagPart& part : parts) {
    if (!part.given) missing += (missing.empty() ? "" : " and ") + std::string(part.flag);
  }
  return missing;
}

std::vector<FlagPart> GrpcTlsParts(const Config& config) {
  return {{"--grpc-tls-cert", !config.grpc_tls_cert.empty()},
          {"--grpc-tls-key", !config.grpc_tls_key.empty()},
          {"--grpc-tls-client-ca", !config.grpc_tls_client_ca.empty()}};
}

Status CheckWhole(const std::vector<FlagPart>& parts, const std::string& purpose) {
  const std::string missing = MissingOf(parts);
  for (const FlagPart& part : parts) {
    if (!part.given || missing.empty()) continue;
    return InvalidArgument(std::string(part.flag) + ": " + purpose + " takes " + missing + " too");
  }
  return OkStatus();
}

Status NotOnLoopback(const char* flag, const Endpoint& endpoint, const std::string& and_so) {
  return Error(
      StatusCode::kFailedPrecondition,
      std::string(flag) + ": " + FormatEndpoint(endpoint) + " is not on loopback. " + and_so);
}

}  // namespace

Status CheckTogether(const Config& config) {
  const SessionPolicy& session = config.session;
  if (session.ping_timeout <= session.ping_interval) {
    return InvalidArgument("--ping-timeout: must be longer than --ping-interval (" +
                           FormatDuration(session.ping_interval) +
                           "), or an idle client is cut off before it is asked, got " +
                           FormatDuration(session.ping_timeout));
  }
  if (config.jwt_keys.empty() && (config.jwt_audience || config.jwt_issuer)) {
    return InvalidArgument(std::string(config.jwt_audience ? "--jwt-audience" : "--jwt-issuer") +
                           ": without keys no token is looked at; give --jwt-keys too");
  }
  Status status = CheckWhole({{"--http-tls-cert", !config.http_tls_cert.empty()},
                              {"--http-tls-key", !config.http_tls_key.empty()}},
                             "TLS for --http");
  if (status.ok()) status = CheckWhole(GrpcTlsParts(config), "mutual TLS for --grpc");
  return status;
}

Status CheckListeners(const Config& config) {
  const std::array<std::pair<const char*, const Endpoint*>, 3> listeners = {
      {{"--grpc", &config.grpc}, {"--http", &config.http}, {"--admin", &config.admin}}};
  for (const auto& [flag, endpoint] : listeners) {
    if (!config.jwt_keys.empty() || IsLoopback(endpoint->host)) continue;
    return NotOnLoopback(flag, *endpoint,
                         "Without keys every caller is trusted: --jwt-keys is missing; or give "
                         "127.0.0.1, [::1] or localhost");
  }
  const std::string missing = MissingOf(GrpcTlsParts(config));
  if (missing.empty() || IsLoopback(config.grpc.host)) return OkStatus();
  return NotOnLoopback("--grpc", config.grpc,
                       "It takes mutual TLS there: " + missing +
                           (missing.find(" and ") == std::string::npos ? " is" : " are") +
                           " missing; or give 127.0.0.1, [::1] or localhost");
}

}  // namespace ackwire
