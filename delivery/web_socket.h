// One WebSocket connection, from the upgrade request to its end: reads frames to a Session, writes
// what the session queues.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "delivery/client_stream.h"
#include "delivery/edge_limits.h"
#include "delivery/hub.h"

namespace ackwire {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Why the request cannot be upgraded; 0 when it can.
struct UpgradeRefusal {
  unsigned status = 0;
  std::string message;
};
[[nodiscard]] UpgradeRefusal CheckUpgrade(const UpgradeRequest& request);

// Ends when the connection has. Runs on the stream's executor, which is the hub's.
[[nodiscard]] boost::asio::awaitable<void> RunWebSocket(ClientStream stream, UpgradeRequest request,
                                                        Hub& hub, EdgeLimits::Place place);

}  // namespace ackwire
