// HttpRequestReader reads the requests of a connection, one after the other, within limits of size
// and time.
//
// Threads:  the connection's.
// Lifetime: borrows the limits.
// Bounds:   kHttpBufferBytesMax of what came and was not taken yet, and the body of one request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/client_stream.h"
#include "delivery/edge_policy.h"
#include "delivery/http_api.h"

namespace ackwire {

// Beast has no limit for the head of a chunk and for what trails the last one, and throws where a
// field is longer than 64 KiB: what does not fit in here is refused before.
inline constexpr std::size_t kHttpBufferBytesMax = 48 * 1024;
// Longer than what load balancers keep (60 s): or they send a request just as we close.
inline constexpr std::chrono::seconds kHttpIdleTimeout{75};

inline constexpr unsigned kHeadersTooLargeStatus = 431;
inline constexpr unsigned kBodyTooLargeStatus = 413;

// The answer to a request that is wrong in itself.
[[nodiscard]] HttpResponse RefuseRequest(unsigned status, const std::string& why);

class HttpRequestReader {
 public:
  explicit HttpRequestReader(const HttpLimits& limits) : limits_(limits) {}

  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  struct Outcome {
    bool whole = false;   // it is here
    bool parsed = false;  // the parser has its head, also where the rest is refused
    bool slow = false;
    std::optional<HttpResponse> refusal;  // none of what is not whole: the peer is gone
  };

  // Has the whole head in the buffer, which the parser then takes: what it would let pass is
  // refused before.
  [[nodiscard]] boost::asio::awaitable<Outcome> ReadHead(ClientStream& stream, Parser& parser);

  // REQUIRES: ReadHead had the whole head of this request.
  [[nodiscard]] boost::asio::awaitable<Outcome> ReadBody(ClientStream& stream, Parser& parser);

 private:
  [[nodiscard]] std::string_view Buffered() const;
  // RFC 9112, 2.2: some clients end a body with one. False: there was none.
  bool SkipEmptyLines();
  // Until there is a head in the buffer that is let in.
  [[nodiscard]] boost::asio::awaitable<Outcome> FillHead(ClientStream& stream);

  [[nodiscard]] Outcome Failed(boost::system::error_code ec) const;

  const HttpLimits& limits_;
  boost::beast::flat_buffer buffer_{kHttpBufferBytesMax};
  bool first_ = true;  // no request has come yet
};

}  // namespace ackwire
