#include "store/status.h"

#include "absl/strings/cord.h"

namespace ackwire {
namespace {

constexpr char kDiskFull[] = "ackwire/disk_full";
constexpr char kOverLimit[] = "ackwire/over_limit";

Status Exhausted(const std::string& message, const char* why) {
  Status status = Error(StatusCode::kResourceExhausted, message);
  status.SetPayload(why, absl::Cord());
  return status;
}

}  // namespace

Status DiskFull(const std::string& message) { return Exhausted(message, kDiskFull); }

bool IsDiskFull(const Status& status) { return status.GetPayload(kDiskFull).has_value(); }

Status OverLimit(const std::string& message) { return Exhausted(message, kOverLimit); }

bool IsOverLimit(const Status& status) { return status.GetPayload(kOverLimit).has_value(); }

}  // namespace ackwire
