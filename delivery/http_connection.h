// One HTTP connection: has the requests answered that are let in, one after the other, keeps alive,
// and hands over to a WebSocket or an event stream where one is asked for. (How they are read, and
// how large and slow they may be: http_request_reader.h. What is let in: http_head.h, http_gate.h.)
//
// Threads: the socket's executor, which is the hub's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "delivery/access_log.h"
#include "delivery/edge_limits.h"
#include "delivery/http_api.h"
#include "delivery/http_gate.h"
#include "delivery/http_head.h"
#include "delivery/hub.h"
#include "delivery/tls.h"

namespace ackwire {

inline constexpr std::chrono::seconds kHttpWriteTimeout{30};
inline constexpr std::chrono::seconds kHttpLinger{2};  // for a peer to close, once it was refused

class Tickets;

// `done` may be called on any thread, once.
using HttpHandler = std::function<void(HttpRequest, HttpApi::Done)>;

struct HttpService {
  // Whose a request is, by its head; the answer that it gets instead where it may not go on. Null:
  // `answer` asks for itself. Not asked for WebSockets and event streams.
  std::function<std::optional<HttpResponse>(HttpRequest& head)> identify;
  HttpHandler answer;
  std::shared_ptr<const HttpGate> gate;
  HttpLimits http_limits;
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
                                                            const HttpService& service, Status why);

}  // namespace ackwire
