#include "tools/ackctl/connection.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>

#include "tools/ackctl/argument_names.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/text.h"

namespace ackwire::ctl {
namespace {

using std::chrono::system_clock;

constexpr std::chrono::seconds kConnectTimeout{5};
constexpr std::chrono::seconds kCallTimeout{30};

std::string ReadPem(const std::string& path, const char* flag) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty()) {
    throw CommandError(ExitStatus::kUsage,
                       fmt::format("{}: cannot read a PEM file at {}", flag, path));
  }
  return text;
}

bool UsesTls(const ConnectionOptions& options) {
  return !options.tls_ca.empty() || !options.tls_cert.empty();
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsFor(const ConnectionOptions& options) {
  if (!UsesTls(options)) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  if (!options.tls_ca.empty()) tls.pem_root_certs = ReadPem(options.tls_ca, "--tls-ca");
  if (!options.tls_cert.empty()) {
    tls.pem_cert_chain = ReadPem(options.tls_cert, "--tls-cert");
    tls.pem_private_key = ReadPem(options.tls_key, "--tls-key");
  }
  return grpc::SslCredentials(tls);
}

CommandError CannotConnect(const ConnectionOptions& options, const std::string& reason) {
  // gRPC's own words.
  const bool is_http = reason.find("Trying to connect an http1.x server") != std::string::npos;
  return CommandError(
      ExitStatus::kCannotConnect,
      fmt::format("cannot reach {} ({} TLS): {}\n{} It prints its gRPC address when ready "
                  "(grpc=HOST:PORT; port 7400 by default); give it with --server HOST:PORT or "
                  "ACKCTL_SERVER.",
                  options.server, UsesTls(options) ? "with" : "without", reason,
                  is_http ? "That port serves HTTP: it is --http or --admin of ackwired, and "
                            "ackctl speaks gRPC."
                          : "Is ackwired running there?"));
}

}  // namespace

Connection::Connection(const ConnectionOptions& options) : options_(options) {
  grpc::ChannelArguments arguments;
  // A page of history may be of any size; this client asked for it.
  arguments.SetMaxReceiveMessageSize(-1);
  // The default would send even 127.0.0.1 through a proxy of the environment.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  channel_ = grpc::CreateCustomChannel(options_.server, CredentialsFor(options_), arguments);

  const auto deadline = system_clock::now() + kConnectTimeout;
  for (;;) {
    const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
    // A failure is left to the call that follows: only a call's status says why.
    if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_TRANSIENT_FAILURE) return;
    if (!channel_->WaitForStateChange(state, deadline)) {
      throw CannotConnect(options_, fmt::format("no answer within {} s", kConnectTimeout.count()));
    }
  }
}

std::unique_ptr<grpc::ClientContext> Connection::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!options_.token.empty()) context->AddMetadata("authorization", "Bearer " + options_.token);
  return context;
}

void Connection::Call(const std::string& what,
                      const std::function<grpc::Status(grpc::ClientContext&)>& rpc,
                      Deadline deadline) const {
  const auto context = NewContext();
  if (deadline == Deadline::kUsual) context->set_deadline(system_clock::now() + kCallTimeout);
  Check(what, rpc(*context));
}

void Connection::Check(const std::string& what, const grpc::Status& status) const {
  if (status.ok()) return;
  // UNAVAILABLE is also what a server that is there may answer.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      channel_->GetState(false) != GRPC_CHANNEL_READY) {
    throw CannotConnect(options_, Escape(status.error_message()));
  }
  std::string text = fmt::format("{}: {} ({})", Escape(what),
                                 Escape(NameArgument(status.error_message(), options_.arguments)),
                                 CodeName(status.error_code()));
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED && options_.token.empty()) {
    text += "\nThis server wants a token: give one with --token or ACKWIRE_TOKEN.";
  }
  throw CommandError(ExitStatus::kRefused, text);
}

std::string CodeName(int code) {
  static constexpr std::array<const char*, 17> kNames = {"ok",
                                                         "cancelled",
                                                         "unknown",
                                                         "invalid_argument",
                                                         "deadline_exceeded",
                                                         "not_found",
                                                         "already_exists",
                                                         "permission_denied",
                                                         "resource_exhausted",
                                                         "failed_precondition",
                                                         "aborted",
                                                         "out_of_range",
                                                         "unimplemented",
                                                         "internal",
                                                         "unavailable",
                                                         "data_loss",
                                                         "unauthenticated"};
  if (code < 0 || code >= static_cast<int>(kNames.size())) return fmt::format("code {}", code);
  return kNames[static_cast<std::size_t>(code)];
}

}  // namespace ackwire::ctl
