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
  kTickets,
  kSubscriptions,
  kSessionFrameRate,
  kSessionByteRate,
  kSessionErrors,
  kSessionQueue,
  kWriteStall,
  kConnectTimeout,
  kTlsHandshake,
};

// In the order of Limit: the label `limit` of ackwire_limit_hits_total.
inline constexpr std::array kLimitNames = {"connections",
                                           "connections_per_address",
                                           "connect_rate",
                                           "unauthenticated",
                                           "headers",
                                           "body",
                                           "slow_request",
                                           "publish_rate",
                                           "tickets",
                                           "subscriptions",
                                           "session_frame_rate",
                                           "session_byte_rate",
                                           "session_errors",
                                           "session_queue",
                                           "write_stall",
                                           "connect_timeout",
                                           "tls_handshake"};
static_assert(kLimitNames.size() == static_cast<std::size_t>(Limit::kTlsHandshake) + 1);

}  // namespace ackwire
