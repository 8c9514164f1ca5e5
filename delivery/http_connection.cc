#include "delivery/http_connection.h"

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <string_view>
#include <utility>

#include "delivery/client_stream.h"
#include "delivery/event_stream.h"
#include "delivery/event_stream_request.h"
#include "delivery/http_request_reader.h"
#include "delivery/request_id.h"
#include "delivery/spawn.h"
#include "delivery/web_socket.h"

namespace ackwire {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr unsigned kBadRequest = 400;

using Response = http::response<http::string_body>;

HttpRequest HeadOf(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  return request;
}

Response Convert(HttpResponse&& answer, unsigned version, bool keep_alive) {
  Response response(static_cast<http::status>(answer.status), version);
  response.set(http::field::server, "ackwire");
  // Not set: there may be two Vary.
  for (const auto& [name, value] : answer.headers) response.insert(name, value);
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

// Closes our side. Where more may be on its way (`linger`), which nobody will read, it is dropped
// for a while: the reset that would follow may take the answer with it.
asio::awaitable<void> Finish(ClientStream& stream, bool linger) {
  constexpr std::size_t kDroppedAtOnce = 4096;
  stream.expires_after(kHttpLinger);
  (void)co_await stream.async_end(kAwait);
  std::array<char, kDroppedAtOnce> dropped{};
  while (linger) {
    auto [ec, size] = co_await stream.next_layer().async_read_some(asio::buffer(dropped), kAwait);
    linger = !ec;
  }
}

// One of IPv4 as such, also where the listener takes both.
std::string TextOf(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address.to_string();
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
}

bool IsWebSocketPath(std::string_view target) {
  return target.substr(0, target.find('?')) == "/v1/ws";
}

class HttpConnection {
 public:
  HttpConnection(asio::ip::tcp::socket socket, Hub& hub, const HttpService& service,
                 EdgeLimits::Place place)
      : stream_(std::in_place, std::move(socket), service.tls ? service.tls->current() : nullptr),
        hub_(hub),
        service_(service),
        place_(std::move(place)),
        reader_(service.http_limits) {
    beast::error_code ec;
    remote_address_ = TextOf(stream_->socket().remote_endpoint(ec).address());
    local_address_ = TextOf(stream_->socket().local_endpoint(ec).address());
  }

  asio::awaitable<void> Run() {
    const beast::error_code handshake = co_await stream_->Handshake();
    if (handshake) {
      const bool slow = handshake == beast::error::timeout && service_.limits != nullptr;
      if (slow) service_.limits->Hit(Limit::kTlsHandshake);
      co_return;
    }
    for (bool more = true; more;) {
      more = co_await ServeOne();
    }
    if (stream_) co_await Finish(*stream_, refused_ && !gone_);
  }

 private:
  // What is known of the request that is served.
  struct Serving {
    HttpRequest request;
    unsigned version = 11;
    bool keep_alive = false;
    std::string id;
    Timestamp began;
  };

  // Reads a request and answers it. False: the connection ends.
  asio::awaitable<bool> ServeOne() {
    serving_ = Serving();
    HttpRequestReader::Parser parser;
    std::optional<HttpResponse> refusal = co_await ReadRequest(parser);
    if (gone_) co_return false;
    serving_.id = RequestIdOf(serving_.request, hub_.rng());
    CountRefusal(refusal);
    bool more = false;
    if (refusal) {
      more = co_await WriteResponse(std::move(*refusal));
    } else if (service_.web_sockets && IsWebSocketPath(serving_.request.target)) {
      more = co_await Upgrade(parser.release());
    } else if (service_.tickets != nullptr && IsEventStreamPath(serving_.request.target)) {
      more = co_await Stream();
    } else {
      more = co_await Answer();
    }
    co_return more;
  }

  // None once it is here and let in. Otherwise the answer that it gets instead; or the peer is
  // gone. What is not read whole ends the connection, once it is answered.
  asio::awaitable<std::optional<HttpResponse>> ReadRequest(HttpRequestReader::Parser& parser) {
    refused_ = true;
    HttpRequestReader::Outcome head = co_await reader_.ReadHead(*stream_, parser);
    serving_.began = hub_.now();
    if (head.parsed) Note(parser);
    if (!head.whole) co_return NotRead(std::move(head));
    std::optional<HttpResponse> refusal = service_.gate->Refusal(serving_.request, local_address_);
    if (refusal) co_return refusal;
    refused_ = !parser.is_done();
    refusal = Identify();
    // Nobody's body is held who may not send it.
    const bool is_known = service_.identify == nullptr || serving_.request.caller != nullptr;
    if (refusal || !is_known) co_return refusal;
    HttpRequestReader::Outcome body = co_await reader_.ReadBody(*stream_, parser);
    if (!body.whole) co_return NotRead(std::move(body));
    refused_ = false;
    serving_.request.body = std::move(parser.get().body());
    co_return std::nullopt;
  }

  // The answer to who may not call; who opens a session says later who it is.
  std::optional<HttpResponse> Identify() {
    HttpRequest& head = serving_.request;
    const bool opens = IsWebSocketPath(head.target) || IsEventStreamPath(head.target);
    if (service_.identify == nullptr || opens) return std::nullopt;
    std::optional<HttpResponse> refusal = service_.identify(head);
    if (head.caller != nullptr) place_.Settle();
    return refusal;
  }

  std::optional<HttpResponse> NotRead(HttpRequestReader::Outcome outcome) {
    if (outcome.slow && service_.limits != nullptr) service_.limits->Hit(Limit::kSlowRequest);
    gone_ = !outcome.refusal;
    refused_ = true;
    return std::move(outcome.refusal);
  }

  void CountRefusal(const std::optional<HttpResponse>& refusal) const {
    if (!refusal || service_.limits == nullptr) return;
    if (refusal->status == kHeadersTooLargeStatus) service_.limits->Hit(Limit::kHeaders);
    if (refusal->status == kBodyTooLargeStatus) service_.limits->Hit(Limit::kBody);
  }

  // Of the head alone: what comes behind a body in chunks is no header of ours.
  void Note(const HttpRequestReader::Parser& parser) {
    serving_.request = HeadOf(parser.get());
    serving_.request.remote_address = remote_address_;
    serving_.version = parser.get().version();
    serving_.keep_alive = parser.get().keep_alive();
  }

  // True when the connection goes on.
  asio::awaitable<bool> WriteResponse(HttpResponse answer) {
    answer.headers.emplace_back("X-Request-Id", serving_.id);
    HttpGate::Add(service_.gate->CorsOf(serving_.request), answer);
    Log(answer.status, answer.body.size());
    // Pools of connections let go of a server that is about to end.
    const bool keep_alive = serving_.keep_alive && !refused_ && hub_.drain() == nullptr;
    Response response = Convert(std::move(answer), serving_.version, keep_alive);
    // Content-Length stays that of the body.
    if (serving_.request.method == "HEAD") response.body().clear();
    stream_->expires_after(kHttpWriteTimeout);
    auto [ec, size] = co_await http::async_write(*stream_, response, kAwait);
    const bool more = !ec && keep_alive;
    co_return more;
  }

  void Log(unsigned status, std::size_t bytes) const {
    if (!service_.access_log) return;
    service_.access_log({.request_id = serving_.id,
                         .remote_address = remote_address_,
                         .method = serving_.request.method,
                         .target = ShownTarget(serving_.request.target),
                         .status = status,
                         .bytes = bytes,
                         .took = hub_.now() - serving_.began});
  }

  asio::awaitable<bool> Answer() {
    stream_->expires_never();
    std::string body = std::move(serving_.request.body);
    HttpRequest asked = serving_.request;
    asked.body = std::move(body);
    HttpResponse answer = co_await Ask(service_.answer, std::move(asked));
    const bool more = co_await WriteResponse(std::move(answer));
    co_return more;
  }

  asio::awaitable<bool> Upgrade(http::request<http::string_body> message) {
    UpgradeRefusal refusal = CheckUpgrade(message);
    // What one takes for its body is frames to another.
    if (refused_ && refusal.status == 0) refusal = {kBadRequest, "body: an upgrade has none"};
    if (refusal.status != 0) {
      HttpResponse answer = RefuseRequest(refusal.status, refusal.message);
      answer.headers.emplace_back("Sec-WebSocket-Version", "13");
      if (refusal.status == static_cast<unsigned>(http::status::upgrade_required)) {
        answer.headers.emplace_back("Upgrade", "websocket");
        answer.headers.emplace_back("Connection", "upgrade");
      }
      if (refusal.status == static_cast<unsigned>(http::status::method_not_allowed)) {
        answer.headers.emplace_back("Allow", "GET");
      }
      refused_ = true;
      const bool more = co_await WriteResponse(std::move(answer));
      co_return more;
    }
    if (const SessionDrain* drain = hub_.drain()) {
      refused_ = true;
      const bool more = co_await WriteResponse(ErrorResponse(drain->Refusal()));
      co_return more;
    }
    Log(static_cast<unsigned>(http::status::switching_protocols), 0);
    stream_->expires_never();
    ClientStream stream = std::move(*stream_);
    stream_.reset();
    co_await RunWebSocket(std::move(stream), std::move(message), hub_, std::move(place_));
    co_return false;
  }

  // The answer to a request for a stream that is none; none: there is one for `guest`.
  std::optional<HttpResponse> AnswerWithoutStream(const HttpRequest& request,
                                                  EventStreamGuest& guest) {
    if (auto answer = AnswerByMethod(request.method, kEventStreamMethods)) return answer;
    StatusOr<EventStreamQuestion> question = ParseEventStreamRequest(request);
    if (!question.ok()) return ErrorResponse(question.status());
    guest.question = *std::move(question);
    StatusOr<Caller> caller = AdmitEventStream(request, guest.question,
                                               {hub_.deps().tokens, *service_.tickets, hub_.now()});
    if (!caller.ok()) return ErrorResponse(caller.status());
    guest.caller = *std::move(caller);
    return std::nullopt;
  }

  asio::awaitable<bool> Stream() {
    EventStreamGuest guest;
    std::optional<HttpResponse> answer = AnswerWithoutStream(serving_.request, guest);
    if (answer) {
      const bool more = co_await WriteResponse(*std::move(answer));
      co_return more;
    }
    place_.Settle();
    HttpResponse shape;
    shape.headers.emplace_back("X-Request-Id", serving_.id);
    HttpGate::Add(service_.gate->CorsOf(serving_.request), shape);
    EventStreamForm form{.http_version = serving_.version, .headers = std::move(shape.headers)};
    Log(shape.status, 0);
    SessionDrain* const drain = hub_.drain();
    const bool head = serving_.request.method == "HEAD";
    if (head || drain != nullptr) {
      service_.tickets->Close(guest.question.ticket, hub_.now());
      const std::string text =
          head ? EventStreamHead(form) : EventStreamWhileDraining(form, drain->ForNewcomer());
      stream_->expires_after(kHttpWriteTimeout);
      (void)co_await asio::async_write(*stream_, asio::buffer(text), kAwait);
      co_return false;
    }
    stream_->expires_never();
    ClientStream stream = std::move(*stream_);
    stream_.reset();
    co_await RunEventStream(std::move(stream), std::move(form), std::move(guest), *service_.tickets,
                            hub_);
    co_return false;
  }

  std::optional<ClientStream> stream_;
  Hub& hub_;
  const HttpService& service_;
  EdgeLimits::Place place_;
  HttpRequestReader reader_;
  std::string remote_address_;  // without the port
  std::string local_address_;
  Serving serving_;
  bool refused_ = false;  // what was to be read was not read whole: the connection ends
  bool gone_ = false;     // the peer
};

}  // namespace

asio::awaitable<void> RunHttpConnection(asio::ip::tcp::socket socket, Hub& hub,
                                        const HttpService& service, EdgeLimits::Place place) {
  HttpConnection connection(std::move(socket), hub, service, std::move(place));
  co_await connection.Run();
}

asio::awaitable<void> RefuseConnection(asio::ip::tcp::socket socket, const HttpService& service,
                                       Status why) {
  ClientStream stream(std::move(socket), service.tls ? service.tls->current() : nullptr);
  const beast::error_code handshake = co_await stream.Handshake(kHttpLinger);
  if (handshake) co_return;
  stream.expires_after(kHttpLinger);
  Response response = Convert(ErrorResponse(why), 11, false);
  auto [ec, size] = co_await http::async_write(stream, response, kAwait);
  if (!ec) co_await Finish(stream, true);
}

}  // namespace ackwire
