// Between Timestamp and protobuf's.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "store/types.h"

namespace ackwire {

[[nodiscard]] inline Timestamp TimeOf(const google::protobuf::Timestamp& time) {
  return FromUnixMs(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

inline void SetTime(google::protobuf::Timestamp& out, Timestamp time) {
  const std::int64_t ms = ToUnixMs(time);
  out.set_seconds(ms / 1000);
  out.set_nanos(static_cast<std::int32_t>(ms % 1000) * 1'000'000);
}

}  // namespace ackwire
