// The limits of the edge that callers can run into, as metrics name them.
#pragma once

#include <array>

namespace ackwire {

enum class Limit {
  kConnections,
  kConnectionsPerAddress,
  kConnectRate,
  kUnauthenticated,
  kHeaders,
  kBody,
  kSlowRequest,
  kPublishRate,
  kSubscriptions,
  kSessionFrameRate,
  kSessionByteRate,
  kSessionErrors,
};

// In the order of Limit: the label `limit` of ackwire_limit_hits_total.
inline constexpr std::array kLimitNames = {"connections",       "connections_per_address",
                                           "connect_rate",      "unauthenticated",
                                           "headers",           "body",
                                           "slow_request",      "publish_rate",
                                           "subscriptions",     "session_frame_rate",
                                           "session_byte_rate", "session_errors"};
static_assert(kLimitNames.size() == static_cast<std::size_t>(Limit::kSessionErrors) + 1);

}  // namespace ackwire
