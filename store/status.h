// The error type of every module: absl's, whose codes have gRPC's numbers.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ackwire {

using Status = absl::Status;
using StatusCode = absl::StatusCode;
template <typename T>
using StatusOr = absl::StatusOr<T>;

[[nodiscard]] inline Status OkStatus() { return absl::OkStatus(); }

// Debian's absl::string_view is not std::string_view, so messages are built as std::string.
[[nodiscard]] inline Status Error(StatusCode code, const std::string& message) {
  return Status(code, message);
}

[[nodiscard]] inline Status InvalidArgument(const std::string& message) {
  return Error(StatusCode::kInvalidArgument, message);
}

// kResourceExhausted because the disk is full: its own error code at the edges.
[[nodiscard]] Status DiskFull(const std::string& message);
[[nodiscard]] bool IsDiskFull(const Status& status);

// kResourceExhausted because a caller has all it may have: unlike a full queue, it will not pass.
[[nodiscard]] Status OverLimit(const std::string& message);
[[nodiscard]] bool IsOverLimit(const Status& status);

[[nodiscard]] inline std::string MessageOf(const Status& status) {
  return std::string(status.message());
}

}  // namespace ackwire
