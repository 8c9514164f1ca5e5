#include "store/status.h"

#include "absl/strings/cord.h"

namespace ackwire {
namespace {

constexpr char kDiskFull[] = "ackwire/disk_full";

}  // namespace

Status DiskFull(const std::string& message) {
  Status status = Error(StatusCode::kResourceExhausted, message);
  status.SetPayload(kDiskFull, absl::Cord());
  return status;
}

bool IsDiskFull(const Status& status) { return status.GetPayload(kDiskFull).has_value(); }

}  // namespace ackwire
