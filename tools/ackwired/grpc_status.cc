#include "tools/ackwired/grpc_status.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

namespace ackwire {

namespace {

// gRPC has no code of its own for a full disk; the message begins with ours.
constexpr std::string_view kDiskFull = "disk_full: ";

}  // namespace

grpc::Status ToGrpc(const Status& status) {
  const std::string prefix(IsDiskFull(status) ? kDiskFull : "");
  return {static_cast<grpc::StatusCode>(static_cast<int>(status.code())),
          prefix + MessageOf(status)};
}

Status FromGrpc(const grpc::Status& status) {
  const std::string& message = status.error_message();
  if (message.starts_with(kDiskFull)) return DiskFull(message.substr(kDiskFull.size()));
  return Error(static_cast<StatusCode>(static_cast<int>(status.error_code())), message);
}

std::function<bool()> Wanted(const grpc::CallbackServerContext* context) {
  return [context] { return !context->IsCancelled(); };
}

void Finish(grpc::ServerUnaryReactor& reactor, const Status& status) {
  reactor.Finish(ToGrpc(status));
}

}  // namespace ackwire
