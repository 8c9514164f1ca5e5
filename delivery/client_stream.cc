#include "delivery/client_stream.h"

#include <linux/sockios.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>

#include "delivery/spawn.h"

namespace ackwire {

namespace asio = boost::asio;

ClientStream::ClientStream(asio::ip::tcp::socket socket, std::shared_ptr<asio::ssl::context> tls)
    : socket_(std::make_unique<Socket>(std::move(socket))), context_(std::move(tls)) {
  if (context_) tls_ = std::make_unique<Tls>(*socket_, *context_);
}

asio::awaitable<boost::system::error_code> ClientStream::Handshake(std::chrono::seconds timeout) {
  if (!tls_) co_return boost::system::error_code();
  socket_->expires_after(timeout);
  auto [ec] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kAwait);
  co_return ec;
}

std::string ClientStream::PeerAddress() const {
  boost::system::error_code ec;
  const auto endpoint = socket_->socket().remote_endpoint(ec);
  return ec ? "" : endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

std::size_t ClientStream::UnacknowledgedBytes() const {
  int bytes = 0;
  return ioctl(socket_->socket().native_handle(), SIOCOUTQ, &bytes) == 0
             ? static_cast<std::size_t>(bytes)
             : 0;
}

void ClientStream::ExpectNoAnswer() {
  SSL_set_shutdown(tls_->native_handle(), SSL_RECEIVED_SHUTDOWN);
}

}  // namespace ackwire
