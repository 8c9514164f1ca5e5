// ClientStream carries one client's connection: the bare socket, or TLS around it. Which of the two
// is decided at run time, so that whoever reads and writes is compiled once.
//
// It is an AsyncStream as Beast has them; the names of such a stream's members are Beast's.
//
// Threads: the socket's executor.
// Bounds:  kTlsHandshakeTimeout for the handshake. Other deadlines are the user's: expires_after.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/rate_policy.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace ackwire {

inline constexpr std::chrono::seconds kTlsHandshakeTimeout{10};

// Counts the bytes that come in, and says once when they are too many; and says whenever the peer
// has taken some. Beast tells it of each read and write.
class WireMeter {
 public:
  // Counts from here on.
  void Watch(std::size_t bytes_max, std::function<void()> too_much) {
    bytes_max_ = bytes_max;
    too_much_ = std::move(too_much);
    Restart();
  }
  void Restart() { bytes_ = 0; }
  void OnTaken(std::function<void()> taken) { taken_ = std::move(taken); }

 private:
  friend class boost::beast::rate_policy_access;
  static constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

  // NOLINTBEGIN(readability-identifier-naming)
  static std::size_t available_read_bytes() { return kAny; }
  static std::size_t available_write_bytes() { return kAny; }
  void transfer_read_bytes(std::size_t size) {
    bytes_ += size;
    if (bytes_ > bytes_max_ && too_much_) std::exchange(too_much_, nullptr)();
  }
  void transfer_write_bytes(std::size_t size) {
    if (size > 0 && taken_) taken_();
  }
  static void on_timer() {}
  // NOLINTEND(readability-identifier-naming)

  std::size_t bytes_ = 0;
  std::size_t bytes_max_ = kAny;
  std::function<void()> too_much_;
  std::function<void()> taken_;
};

class ClientStream {
 public:
  using Socket =
      boost::beast::basic_stream<boost::asio::ip::tcp, boost::asio::any_io_executor, WireMeter>;
  using executor_type = boost::asio::any_io_executor;
  using next_layer_type = Socket;

  // Null: without TLS.
  ClientStream(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls);

  // What comes before the first byte, within this time; without TLS nothing.
  [[nodiscard]] boost::asio::awaitable<boost::system::error_code> Handshake(
      std::chrono::seconds timeout = kTlsHandshakeTimeout);

  // ADDRESS:PORT of the peer; empty when it is gone.
  [[nodiscard]] std::string PeerAddress() const;

  // Of what the kernel took for the peer, the bytes that it has not acknowledged.
  [[nodiscard]] std::size_t UnacknowledgedBytes() const;

  [[nodiscard]] WireMeter& meter() { return socket_->rate_policy(); }

  // NOLINTBEGIN(readability-identifier-naming)
  [[nodiscard]] executor_type get_executor() noexcept { return socket_->get_executor(); }
  // The connection below TLS.
  [[nodiscard]] Socket& next_layer() noexcept { return *socket_; }
  [[nodiscard]] boost::asio::ip::tcp::socket& socket() noexcept { return socket_->socket(); }

  // How long what is under way may take; as Beast's tcp_stream.
  void expires_after(std::chrono::steady_clock::duration timeout) {
    socket_->expires_after(timeout);
  }
  void expires_never() { socket_->expires_never(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Token>(token));
    return socket_->async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Token>(token));
    return socket_->async_write_some(buffers, std::forward<Token>(token));
  }

  // Tells the peer that nothing more comes, and does not wait for it to do the same. Whoever calls
  // it writes no more, and reads from the connection below TLS what may still come.
  template <class Token>
  auto async_end(Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this](auto handler) { StartEnd(std::move(handler)); }, token);
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  using Tls = boost::beast::ssl_stream<Socket&>;

  template <class Handler>
  void StartEnd(Handler handler) {
    const auto executor = boost::asio::get_associated_executor(handler, get_executor());
    auto end = [this, handler = std::move(handler)](boost::system::error_code) mutable {
      boost::system::error_code ignored;
      socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
      std::move(handler)(boost::system::error_code());
    };
    auto bound = boost::asio::bind_executor(executor, std::move(end));
    if (!tls_) {
      return boost::asio::post(get_executor(), boost::beast::bind_front_handler(
                                                   std::move(bound), boost::system::error_code()));
    }
    ExpectNoAnswer();
    tls_->async_shutdown(std::move(bound));
  }

  // To OpenSSL as if the peer had ended already: else it waited for that.
  void ExpectNoAnswer();

  // Behind pointers: TLS refers to the socket, and a stream is moved.
  std::unique_ptr<Socket> socket_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::unique_ptr<Tls> tls_;
};

// What Beast calls at the end of a WebSocket, found by the stream's type: our side is shut down,
// and the connection goes on reading (WebSocketConnection::Linger). Beast's own reads 2 KiB at most
// and closes: the reset that follows, where there was more, may take our close frame with it. And
// where there is nothing to read, it waits for ever, and the session with it.
template <class Handler>
void async_teardown(  // NOLINT(readability-identifier-naming)
    boost::beast::role_type, ClientStream& stream, Handler&& handler) {
  stream.async_end(std::forward<Handler>(handler));
}

}  // namespace ackwire
