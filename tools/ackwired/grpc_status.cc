#include "tools/ackwired/grpc_status.h"

#include <grpcpp/support/status.h>

namespace ackwire {

grpc::Status ToGrpc(const Status& status) {
  return {static_cast<grpc::StatusCode>(static_cast<int>(status.code())), MessageOf(status)};
}

}  // namespace ackwire
