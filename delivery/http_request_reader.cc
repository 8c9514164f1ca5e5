#include "delivery/http_request_reader.h"

#include <boost/beast/http.hpp>
#include <string_view>
#include <utility>

#include "delivery/http_head.h"
#include "delivery/spawn.h"

namespace ackwire {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Outcome = HttpRequestReader::Outcome;

HttpResponse HeadersTooLarge(const HttpLimits& limits) {
  return RefuseRequest(kHeadersTooLargeStatus,
                       "headers: at most " + std::to_string(limits.header_bytes) + " bytes");
}

// What a request that could not be read gets; none where the peer is gone, or was too slow: the
// stream has closed by then.
std::optional<HttpResponse> AnswerTo(const beast::error_code& ec, const HttpLimits& limits) {
  // What trails a body is headers, too.
  if (ec == http::error::buffer_overflow) return HeadersTooLarge(limits);
  if (ec == http::error::body_limit) {
    return RefuseRequest(kBodyTooLargeStatus,
                         "body: at most " + std::to_string(limits.body_bytes) + " bytes");
  }
  const bool gone = ec == http::error::end_of_stream || ec == http::error::partial_message ||
                    ec.category() != make_error_code(http::error::bad_target).category();
  if (gone) return std::nullopt;
  return ErrorResponse(InvalidArgument("not an HTTP request: " + ec.message()));
}

Outcome RefusedWith(HttpResponse refusal) { return {.refusal = std::move(refusal)}; }

}  // namespace

HttpResponse RefuseRequest(unsigned status, const std::string& why) {
  HttpResponse response = ErrorResponse(InvalidArgument(why));
  response.status = status;
  return response;
}

Outcome HttpRequestReader::Failed(boost::system::error_code ec) const {
  return {.slow = ec == beast::error::timeout, .refusal = AnswerTo(ec, limits_)};
}

asio::awaitable<Outcome> HttpRequestReader::ReadHead(ClientStream& stream, Parser& parser) {
  parser.header_limit(kHttpBufferBytesMax);  // FillHead has the limit
  parser.body_limit(limits_.body_bytes);
  Outcome filled = co_await FillHead(stream);
  if (!filled.whole) co_return filled;
  auto [ec, size] = co_await http::async_read_header(stream, buffer_, parser, kAwait);
  Outcome outcome = ec ? Failed(ec) : Outcome{.whole = true};
  outcome.parsed = !ec || ec == http::error::body_limit;
  co_return outcome;
}

std::string_view HttpRequestReader::Buffered() const {
  const auto data = buffer_.data();
  return {static_cast<const char*>(data.data()), data.size()};
}

bool HttpRequestReader::SkipEmptyLines() {
  constexpr std::string_view kEmptyLine = "\r\n";
  const std::size_t before = buffer_.size();
  while (Buffered().starts_with(kEmptyLine)) buffer_.consume(kEmptyLine.size());
  return buffer_.size() < before;
}

asio::awaitable<Outcome> HttpRequestReader::FillHead(ClientStream& stream) {
  constexpr std::size_t kReadBytes = 4096;
  SkipEmptyLines();
  bool begun = std::exchange(first_, false) || buffer_.size() > 0;
  stream.expires_after(begun ? limits_.header_time : Duration(kHttpIdleTimeout));
  for (std::size_t looked_at = 0;;) {
    if (SkipEmptyLines()) looked_at = 0;
    const std::string_view bytes = Buffered();
    const std::optional<std::size_t> end = FindHeadEnd(bytes, looked_at);
    if (end.value_or(bytes.size()) > limits_.header_bytes) {
      co_return RefusedWith(HeadersTooLarge(limits_));
    }
    if (end) {
      HeadRefusal refusal = CheckHead(bytes.substr(0, *end));
      if (refusal.status == 0) co_return Outcome{.whole = true};
      co_return RefusedWith(RefuseRequest(refusal.status, refusal.message));
    }
    looked_at = bytes.size();
    auto [ec, size] = co_await stream.async_read_some(buffer_.prepare(kReadBytes), kAwait);
    // One that waited for the next request in vain was not slow.
    if (ec) co_return Failed(begun ? ec : http::error::end_of_stream);
    buffer_.commit(size);
    if (!std::exchange(begun, true)) stream.expires_after(limits_.header_time);
  }
}

asio::awaitable<Outcome> HttpRequestReader::ReadBody(ClientStream& stream, Parser& parser) {
  stream.expires_after(limits_.body_time);
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    auto [ec, size] = co_await http::async_write(stream, go_on, kAwait);
    if (ec) co_return Failed(ec);
  }
  auto [ec, size] = co_await http::async_read(stream, buffer_, parser, kAwait);
  if (ec) co_return Failed(ec);
  co_return Outcome{.whole = true};
}

}  // namespace ackwire
