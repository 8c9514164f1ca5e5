// One HTTP connection: reads requests within limits, has those answered that are let in, one after
// the other, keeps alive, and hands over to a WebSocket or an event stream where one is asked for.
// (What is let in: http_head.h, http_gate.h.)
//
// Threads: the socket's executor, which is the hub's.
// Bounds:  a head of kHttpHeaderBytesMax and kHttpFieldsMax fields, within kHttpHeadTimeout; a body
//          of kHttpBodyBytesMax, within kHttpBodyTimeout; kHttpIdleTimeout between two requests.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "delivery/access_log.h"
#include "delivery/edge_limits.h"
#include "delivery/http_api.h"
#include "delivery/http_gate.h"
#include "delivery/http_head.h"
#include "delivery/hub.h"
#include "delivery/tls.h"

namespace ackwire {

// A payload of kPayloadBytesMax as JSON text takes up to six times its bytes.
inline constexpr std::uint64_t kHttpBodyBytesMax = 2ULL << 20U;
inline constexpr std::chrono::seconds kHttpHeadTimeout{10};
inline constexpr std::chrono::seconds kHttpBodyTimeout{30};
inline constexpr std::chrono::seconds kHttpWriteTimeout{30};
inline constexpr std::chrono::seconds kHttpLinger{2};  // for a peer to close, once it was refused
// Longer than what load balancers keep (60 s): or they send a request just as we close.
inline constexpr std::chrono::seconds kHttpIdleTimeout{75};

class Tickets;

// `done` may be called on any thread, once.
using HttpHandler = std::function<void(HttpRequest, HttpApi::Done)>;

struct HttpService {
  HttpHandler answer;
  std::shared_ptr<const HttpGate> gate;
  EdgeLimits* limits = nullptr;  // null: none, as operators must come in at all times
  AccessLog access_log;
  bool web_sockets = false;        // GET /v1/ws
  Tickets* tickets = nullptr;      // GET /v1/sse; null: there is none
  const TlsSource* tls = nullptr;  // null: connections are not encrypted
};

[[nodiscard]] boost::asio::awaitable<void> RunHttpConnection(boost::asio::ip::tcp::socket socket,
                                                             Hub& hub, const HttpService& service,
                                                             EdgeLimits::Place place);

// Tells a connection that there is no room for why, and closes it.
[[nodiscard]] boost::asio::awaitable<void> RefuseConnection(boost::asio::ip::tcp::socket socket,
                                                            const HttpService& service, Status why,
                                                            EdgeLimits::Place place);

}  // namespace ackwire
