// One HTTP connection: reads requests within limits, has them answered, keeps alive, and hands over
// to a WebSocket where one is asked for.
//
// Threads: the socket's executor, which is the hub's.
// Bounds:  headers kHttpHeaderBytesMax, body kHttpBodyBytesMax, kHttpReadTimeout for a request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>

#include "delivery/http_api.h"
#include "delivery/hub.h"
#include "delivery/tls.h"

namespace ackwire {

inline constexpr std::uint32_t kHttpHeaderBytesMax = 8 * 1024;
// A payload of kPayloadBytesMax as JSON text takes up to six times its bytes.
inline constexpr std::uint64_t kHttpBodyBytesMax = 2ULL << 20U;
inline constexpr std::chrono::seconds kHttpReadTimeout{30};

// `done` may be called on any thread, once.
using HttpHandler = std::function<void(HttpRequest, HttpApi::Done)>;

struct HttpService {
  HttpHandler answer;
  bool web_sockets = false;        // GET /v1/ws
  const TlsSource* tls = nullptr;  // null: connections are not encrypted
};

[[nodiscard]] boost::asio::awaitable<void> RunHttpConnection(boost::asio::ip::tcp::socket socket,
                                                             Hub& hub, const HttpService& service);

}  // namespace ackwire
