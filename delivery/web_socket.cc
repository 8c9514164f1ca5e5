#include "delivery/web_socket.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <utility>

#include "delivery/asio_loop.h"
#include "delivery/http_target.h"
#include "delivery/session.h"
#include "delivery/spawn.h"
#include "delivery/write_watch.h"

namespace ackwire {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr std::uint16_t kBadPayload = 1007;
constexpr std::size_t kFrameBytesReadMax = 1ULL << 20U;
// Room is made for so much of a frame at a time, whatever its head says of its length.
constexpr std::size_t kReadBytes = 64ULL << 10U;
// A frame may come a byte to a fragment, each with a head of 6. What takes more has no end.
constexpr std::size_t kWireBytesMax = 8 * kFrameBytesReadMax;
constexpr std::size_t kLingerBytes = 4096;
// How long a peer may take to upgrade, to answer a close, or to take what is queued before it.
constexpr std::chrono::seconds kClosingTimeout{10};
constexpr Duration kClosingTimeoutMs{10'000};
// And one that is closed for what it does again and again: it would go on with it.
constexpr Duration kFloodClosingTimeoutMs{1'000};

// True when it has the form of 16 bytes in base64.
bool IsKey(beast::string_view key) {
  constexpr std::size_t kDigits = 22;
  constexpr beast::string_view kBase64 =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == kDigits + 2 && key.ends_with("==") &&
         key.find_first_not_of(kBase64) == kDigits;
}

// True when text that is UTF-8 so far ends within a code point. (Beast does not look where the last
// fragment of a message is empty.)
bool EndsWithinCodePoint(std::string_view text) {
  const auto byte_at = [text](std::size_t back) {
    return static_cast<unsigned char>(text[text.size() - back]);
  };
  const auto bytes_from = [](unsigned char first) {
    constexpr unsigned char kTwo = 0xc0;
    constexpr unsigned char kThree = 0xe0;
    constexpr unsigned char kFour = 0xf0;
    return first >= kFour ? 4U : first >= kThree ? 3U : first >= kTwo ? 2U : 1U;
  };
  constexpr std::size_t kLookedAt = 3;
  for (std::size_t back = 1; back <= std::min(text.size(), kLookedAt); ++back) {
    if (bytes_from(byte_at(back)) > back) return true;
  }
  return false;
}

// The first that the client offers and we speak, in whatever fields it does; where it offers none,
// JSON. Null: none of ours.
const frame::FrameProtocol* ProtocolOf(const UpgradeRequest& request) {
  const auto [first, last] = request.equal_range(http::field::sec_websocket_protocol);
  if (first == last) return &frame::JsonProtocol();
  for (auto field = first; field != last; ++field) {
    for (const auto& token : http::token_list(field->value())) {
      for (const auto* ours : {&frame::JsonProtocol(), &frame::BinaryProtocol()}) {
        if (token == beast::string_view(ours->name().data(), ours->name().size())) return ours;
      }
    }
  }
  return nullptr;
}

// The code under which an ended read goes on record.
std::uint16_t CodeOf(const beast::error_code& ec, const websocket::close_reason& reason) {
  constexpr std::uint16_t kProtocolError = 1002;
  constexpr std::uint16_t kNoStatus = 1005;
  if (ec == websocket::error::closed) {
    return reason.code == websocket::close_code::none ? kNoStatus : reason.code;
  }
  if (ec == websocket::error::bad_frame_payload) return kBadPayload;
  if (ec == websocket::error::message_too_big) return close_code::kTooBig;
  if (ec == websocket::condition::protocol_violation) return kProtocolError;
  return close_code::kAbnormal;
}

class WebSocketConnection final : public Outlet,
                                  public std::enable_shared_from_this<WebSocketConnection> {
 public:
  WebSocketConnection(ClientStream stream, Hub& hub, EdgeLimits::Place place)
      : hub_(hub),
        place_(std::move(place)),
        remote_address_(stream.PeerAddress()),
        ws_(std::move(stream)),
        wake_(ws_.get_executor()),
        closing_timer_(ws_.get_executor()) {
    wake_.expires_at(asio::steady_timer::time_point::max());
    ws_.next_layer().meter().OnTaken(
        [this] { watch_.Took(ws_.next_layer().UnacknowledgedBytes(), hub_.now()); });
  }

  void Write(std::string text, std::vector<std::uint64_t> deliveries) override {
    if (session_->open()) place_.Settle();  // the client is known
    queued_bytes_ += text.size();
    queue_.push_back({std::move(text), std::move(deliveries)});
    wake_.cancel();
  }

  void Close(std::uint16_t code, const std::string& reason) override {
    if (close_) return;
    close_ = websocket::close_reason(static_cast<websocket::close_code>(code),
                                     reason.substr(0, kCloseReasonBytesMax));
    if (code == close_code::kTooManyErrors) closing_timeout_ = kFloodClosingTimeoutMs;
    closing_timer_.Arm(closing_timeout_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Abort();
    });
    wake_.cancel();
  }

  void Abort() override { beast::get_lowest_layer(ws_).close(); }

  [[nodiscard]] std::size_t queued_bytes() const override { return queued_bytes_; }
  [[nodiscard]] std::optional<Timestamp> writing_since() const override { return watch_.since(); }
  [[nodiscard]] bool is_looked_at() const override { return true; }
  void LookAtPeer() override { watch_.Look(ws_.next_layer().UnacknowledgedBytes(), hub_.now()); }

  static asio::awaitable<void> Run(std::shared_ptr<WebSocketConnection> self,
                                   UpgradeRequest request) {
    const frame::FrameProtocol& protocol = *ProtocolOf(request);
    self->SetOptions(request, protocol);
    auto [ec] = co_await self->ws_.async_accept(request, kAwait);
    if (ec) co_return;
    self->ws_.text(protocol.form() == frame::Form::kJson);
    self->session_ = std::make_shared<Session>(
        self->hub_, *self, protocol,
        SessionIdentity{.transport = "websocket", .remote_address = self->remote_address_});
    self->hub_.Add(self->session_);
    const auto authorization = request[http::field::authorization];
    self->session_->Start(std::string(BearerTokenOf({authorization.data(), authorization.size()})));
    self->ws_.next_layer().meter().Watch(kWireBytesMax, [session = self->session_] {
      session->Shut(close_code::kTooBig, "a message has no end");
    });
    self->ws_.control_callback([connection = self.get()](auto&&...) {
      connection->ws_.next_layer().meter().Restart();
      connection->session_->OnControl();
    });
    Spawn(self->ws_.get_executor(), WriteLoop(self), "WebSocket write loop");
    co_await ReadLoop(self);
  }

 private:
  struct Outgoing {
    std::string text;
    std::vector<std::uint64_t> deliveries;
  };

  void SetOptions(const UpgradeRequest& request, const frame::FrameProtocol& protocol) {
    ws_.set_option(websocket::stream_base::timeout{
        .handshake_timeout = kClosingTimeout,
        .idle_timeout = websocket::stream_base::none(),  // the session keeps the heartbeat
        .keep_alive_pings = false});
    const bool asked = request.count(http::field::sec_websocket_protocol) > 0;
    ws_.set_option(websocket::stream_base::decorator(
        [asked, name = std::string(protocol.name())](websocket::response_type& response) {
          response.set(http::field::server, "ackwire");
          if (asked) response.set(http::field::sec_websocket_protocol, name);
        }));
    ws_.read_message_max(kFrameBytesReadMax);
    ws_.auto_fragment(false);
  }

  static asio::awaitable<void> ReadLoop(std::shared_ptr<WebSocketConnection> self) {
    beast::flat_buffer buffer;
    for (;;) {
      const beast::error_code ec = co_await ReadMessage(self, buffer);
      if (ec) {
        self->hub_.EndInTurn([session = self->session_, self,
                              code = CodeOf(ec, self->ws_.reason())] { session->End(code); });
        break;
      }
      const auto data = buffer.data();
      self->OnMessage({static_cast<const char*>(data.data()), data.size()});
      buffer.consume(buffer.size());
    }
    self->read_ended_ = true;
    self->wake_.cancel();
    // A message that was too large is not held for as long as the peer likes.
    buffer.clear();
    buffer.shrink_to_fit();
    co_await Linger(self);
  }

  void OnMessage(std::string_view data) {
    const bool is_text = session_->form() == frame::Form::kJson;
    if (ws_.got_text() != is_text) return session_->OnOtherKind();
    if (is_text && EndsWithinCodePoint(data)) {
      return session_->Shut(kBadPayload, "text must be UTF-8");
    }
    session_->OnFrame(data);
  }

  // Reads and drops what the peer still sends, until it has closed its side too (RFC 6455, 7.1.1).
  static asio::awaitable<void> Linger(std::shared_ptr<WebSocketConnection> self) {
    self->closing_timer_.Arm(self->closing_timeout_, [weak = self->weak_from_this()] {
      if (const auto connection = weak.lock()) connection->Abort();
    });
    std::array<char, kLingerBytes> dropped{};
    // Asio does not tell a second time that the peer has closed: whether it has is looked at first.
    beast::error_code ec;
    auto& stream = self->ws_.next_layer().next_layer();  // below TLS: what comes is dropped anyway
    stream.socket().non_blocking(true, ec);
    if (!ec) stream.socket().read_some(asio::buffer(dropped), ec);
    while (!ec || ec == asio::error::would_block) {
      auto [read_ec, size] = co_await stream.async_read_some(asio::buffer(dropped), kAwait);
      ec = read_ec;
    }
    self->closing_timer_.Cancel();
    self->Abort();  // a write that waits for the peer would do so for ever: no session looks at it
  }

  // Of a client that is not known yet no more is held than it may send, also of one message.
  void DropWhatIsTooMuch(beast::flat_buffer& buffer) {
    if (session_->open() || buffer.size() <= kBytesBeforeConnectMax) return;
    session_->Shut(close_code::kBadFrame, kTooMuchBeforeConnect);
    buffer.consume(buffer.size());
  }

  static asio::awaitable<beast::error_code> ReadMessage(std::shared_ptr<WebSocketConnection> self,
                                                        beast::flat_buffer& buffer) {
    do {
      auto [ec, size] = co_await self->ws_.async_read_some(buffer, kReadBytes, kAwait);
      if (ec) co_return ec;
      self->DropWhatIsTooMuch(buffer);
    } while (!self->ws_.is_message_done());
    self->ws_.next_layer().meter().Restart();
    co_return beast::error_code();
  }

  static asio::awaitable<void> WriteLoop(std::shared_ptr<WebSocketConnection> self) {
    while (!self->read_ended_) {
      if (!self->queue_.empty()) {
        const bool written = co_await WriteOne(self);
        if (!written) break;
      } else if (self->close_) {
        (void)co_await self->ws_.async_close(*self->close_, kAwait);
        break;
      } else {
        (void)co_await self->wake_.async_wait(kAwait);
      }
    }
  }

  // False when the connection is broken. Where the peer had not closed it, the session ends by it;
  // otherwise the read loop ends it, with the peer's code.
  static asio::awaitable<bool> WriteOne(std::shared_ptr<WebSocketConnection> self) {
    const Outgoing out = std::move(self->queue_.front());
    self->queue_.pop_front();
    self->watch_.Begin(self->ws_.next_layer().UnacknowledgedBytes(), self->hub_.now());
    auto [ec, size] = co_await self->ws_.async_write(asio::buffer(out.text), kAwait);
    self->watch_.End();
    self->queued_bytes_ -= out.text.size();
    if (ec) {
      const bool refused = ec.category() == asio::error::get_system_category() &&
                           ec != asio::error::operation_aborted && !self->ws_.reason() &&
                           !self->read_ended_;
      if (refused) {
        self->session_->OnWriteFailed();
        self->Abort();  // it takes nothing more: nothing more is read from it either
      }
      co_return false;
    }
    self->session_->OnWritten(out.deliveries);
    co_return true;
  }

  Hub& hub_;
  EdgeLimits::Place place_;
  const std::string remote_address_;
  websocket::stream<ClientStream> ws_;
  asio::steady_timer wake_;
  AsioTimer closing_timer_;
  Duration closing_timeout_ = kClosingTimeoutMs;
  std::shared_ptr<Session> session_;
  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0;
  WriteWatch watch_;
  std::optional<websocket::close_reason> close_;
  bool read_ended_ = false;
};

}  // namespace

UpgradeRefusal CheckUpgrade(const UpgradeRequest& request) {
  constexpr unsigned kBadRequest = 400;
  constexpr unsigned kMethodNotAllowed = 405;
  constexpr unsigned kUpgradeRequired = 426;
  if (request.method() != http::verb::get) {
    return {kMethodNotAllowed, "a WebSocket is opened by GET"};
  }
  const StatusOr<HttpTarget> target =
      ParseTarget({request.target().data(), request.target().size()});
  if (!target.ok()) return {kBadRequest, MessageOf(target.status())};
  if (!http::token_list(request[http::field::upgrade]).exists("websocket") ||
      request[http::field::sec_websocket_version] != "13") {
    return {kUpgradeRequired, "this address takes WebSocket upgrades of version 13"};
  }
  if (request.count(http::field::sec_websocket_key) != 1 ||
      !IsKey(request[http::field::sec_websocket_key])) {
    return {kBadRequest, "Sec-WebSocket-Key: must be there once, 16 bytes in base64"};
  }
  if (ProtocolOf(request) == nullptr) {
    return {kBadRequest, "Sec-WebSocket-Protocol: must offer ackwire.v1.json or ackwire.v1.binary"};
  }
  if (!websocket::is_upgrade(request)) return {kBadRequest, "not a WebSocket upgrade"};
  return {};
}

asio::awaitable<void> RunWebSocket(ClientStream stream, UpgradeRequest request, Hub& hub,
                                   EdgeLimits::Place place) {
  auto connection = std::make_shared<WebSocketConnection>(std::move(stream), hub, std::move(place));
  co_await WebSocketConnection::Run(connection, std::move(request));
}

}  // namespace ackwire
