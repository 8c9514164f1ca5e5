#include "tools/ackwired/grpc_status.h"

#include <grpcpp/support/status.h>

namespace ackwire {

grpc::Status ToGrpc(const Status& status) {
  // gRPC has no code of its own for a full disk; the message begins with ours.
  const std::string prefix = IsDiskFull(status) ? "disk_full: " : "";
  return {static_cast<grpc::StatusCode>(static_cast<int>(status.code())),
          prefix + MessageOf(status)};
}

}  // namespace ackwire
