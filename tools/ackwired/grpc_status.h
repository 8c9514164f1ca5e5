// A Status as gRPC has it: the codes have the same numbers.
#pragma once

#include "store/status.h"

namespace grpc {
class Status;
}

namespace ackwire {

grpc::Status ToGrpc(const Status& status);
[[nodiscard]] Status FromGrpc(const grpc::Status& status);

}  // namespace ackwire
