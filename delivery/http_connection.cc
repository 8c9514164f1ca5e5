#include "delivery/http_connection.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <utility>

#include "delivery/client_stream.h"
#include "delivery/spawn.h"
#include "delivery/web_socket.h"

namespace ackwire {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Parser = http::request_parser<http::string_body>;
using Response = http::response<http::string_body>;

HttpRequest Convert(http::request<http::string_body>&& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

Response Convert(HttpResponse&& answer, unsigned version, bool keep_alive) {
  Response response(static_cast<http::status>(answer.status), version);
  response.set(http::field::server, "ackwire");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.keep_alive(keep_alive);
  response.body() = std::move(answer.body);
  const bool bodiless = response.result() == http::status::no_content ||
                        response.result() == http::status::not_modified;
  if (!bodiless) response.prepare_payload();  // RFC 9110: these have no Content-Length
  return response;
}

// Asks the handler and waits for its answer on the connection's own executor.
asio::awaitable<HttpResponse> Ask(const HttpHandler& handler, HttpRequest request) {
  auto initiate = [&handler](auto completion, HttpRequest asked) {
    const auto executor = asio::get_associated_executor(completion);
    auto shared = std::make_shared<decltype(completion)>(std::move(completion));
    handler(std::move(asked), [shared, executor](HttpResponse response) {
      asio::post(executor, [shared, response = std::move(response)]() mutable {
        (*shared)(std::move(response));
      });
    });
  };
  return asio::async_initiate<decltype(asio::use_awaitable), void(HttpResponse)>(
      initiate, asio::use_awaitable, std::move(request));
}

// What a request that could not be read gets; none where the peer is simply gone.
std::optional<HttpResponse> AnswerTo(const beast::error_code& ec) {
  if (ec == http::error::header_limit) {
    HttpResponse response = ErrorResponse(
        InvalidArgument("headers: at most " + std::to_string(kHttpHeaderBytesMax) + " bytes"));
    response.status = static_cast<unsigned>(http::status::request_header_fields_too_large);
    return response;
  }
  if (ec == http::error::body_limit) {
    HttpResponse response = ErrorResponse(
        InvalidArgument("body: at most " + std::to_string(kHttpBodyBytesMax) + " bytes"));
    response.status = static_cast<unsigned>(http::status::payload_too_large);
    return response;
  }
  if (ec == beast::error::timeout) {
    HttpResponse response =
        ErrorResponse(Error(StatusCode::kDeadlineExceeded, "the request was not complete in time"));
    response.status = static_cast<unsigned>(http::status::request_timeout);
    return response;
  }
  const bool gone = ec == http::error::end_of_stream || ec == http::error::partial_message ||
                    ec.category() != make_error_code(http::error::bad_target).category();
  if (gone) return std::nullopt;
  return ErrorResponse(InvalidArgument("not an HTTP request: " + ec.message()));
}

bool IsWebSocketPath(beast::string_view target) {
  constexpr beast::string_view kPath = "/v1/ws";
  return target.substr(0, target.find('?')) == kPath;
}

class HttpConnection {
 public:
  HttpConnection(asio::ip::tcp::socket socket, Hub& hub, const HttpService& service)
      : stream_(std::in_place, std::move(socket), service.tls ? service.tls->current() : nullptr),
        hub_(hub),
        service_(service) {}

  asio::awaitable<void> Run() {
    const beast::error_code handshake = co_await stream_->Handshake();
    if (handshake) co_return;
    for (bool more = true; more;) {
      Parser parser;
      parser.header_limit(kHttpHeaderBytesMax);
      parser.body_limit(kHttpBodyBytesMax);
      const beast::error_code ec = co_await ReadRequest(parser);
      if (ec) {
        std::optional<HttpResponse> answer = AnswerTo(ec);
        if (answer) co_await WriteResponse(Convert(std::move(*answer), 11, false));
        break;
      }
      if (service_.web_sockets && IsWebSocketPath(parser.get().target())) {
        more = co_await Upgrade(parser.release());
      } else {
        more = co_await Answer(parser.release());
      }
    }
    if (stream_) (void)co_await stream_->async_end(kAwait);
  }

 private:
  asio::awaitable<beast::error_code> ReadRequest(Parser& parser) {
    stream_->expires_after(kHttpReadTimeout);
    auto [header_ec, header_size] =
        co_await http::async_read_header(*stream_, buffer_, parser, kAwait);
    if (header_ec) co_return header_ec;
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      auto [ec, size] = co_await http::async_write(*stream_, go_on, kAwait);
      if (ec) co_return ec;
    }
    auto [ec, size] = co_await http::async_read(*stream_, buffer_, parser, kAwait);
    co_return ec;
  }

  // True when the connection goes on.
  asio::awaitable<bool> WriteResponse(Response response) {
    stream_->expires_after(kHttpReadTimeout);
    auto [ec, size] = co_await http::async_write(*stream_, response, kAwait);
    const bool more = !ec && response.keep_alive();
    co_return more;
  }

  asio::awaitable<bool> Answer(http::request<http::string_body> message) {
    const unsigned version = message.version();
    const bool asked_to_keep = message.keep_alive();
    const bool head = message.method() == http::verb::head;
    stream_->expires_never();
    HttpResponse answer = co_await Ask(service_.answer, Convert(std::move(message)));
    // Pools of connections let go of a server that is about to end.
    const bool keep_alive = asked_to_keep && hub_.drain() == nullptr;
    Response response = Convert(std::move(answer), version, keep_alive);
    if (head) response.body().clear();  // Content-Length stays that of the body
    const bool more = co_await WriteResponse(std::move(response));
    co_return more;
  }

  asio::awaitable<bool> Upgrade(http::request<http::string_body> message) {
    const UpgradeRefusal refusal = CheckUpgrade(message);
    if (refusal.status != 0) {
      HttpResponse answer = ErrorResponse(InvalidArgument(refusal.message));
      answer.status = refusal.status;
      answer.headers.emplace_back("Sec-WebSocket-Version", "13");
      if (refusal.status == static_cast<unsigned>(http::status::upgrade_required)) {
        answer.headers.emplace_back("Upgrade", "websocket");
        answer.headers.emplace_back("Connection", "upgrade");
      }
      if (refusal.status == static_cast<unsigned>(http::status::method_not_allowed)) {
        answer.headers.emplace_back("Allow", "GET");
      }
      const bool more =
          co_await WriteResponse(Convert(std::move(answer), message.version(), false));
      co_return more;
    }
    if (const SessionDrain* drain = hub_.drain()) {
      HttpResponse answer = ErrorResponse(drain->Refusal());
      const bool more =
          co_await WriteResponse(Convert(std::move(answer), message.version(), false));
      co_return more;
    }
    stream_->expires_never();
    ClientStream stream = std::move(*stream_);
    stream_.reset();
    co_await RunWebSocket(std::move(stream), std::move(message), hub_);
    co_return false;
  }

  std::optional<ClientStream> stream_;
  beast::flat_buffer buffer_;
  Hub& hub_;
  const HttpService& service_;
};

}  // namespace

asio::awaitable<void> RunHttpConnection(asio::ip::tcp::socket socket, Hub& hub,
                                        const HttpService& service) {
  HttpConnection connection(std::move(socket), hub, service);
  co_await connection.Run();
}

}  // namespace ackwire
