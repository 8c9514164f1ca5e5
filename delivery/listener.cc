#include "delivery/listener.h"

#include <spdlog/spdlog.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "delivery/delivery_server.h"
#include "delivery/spawn.h"

namespace ackwire {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// After a failed accept (no file descriptors left): let some connections end first.
constexpr std::chrono::milliseconds kAcceptPause{100};

// What the kernel takes for a peer that reads nothing (it doubles it). Left to itself it takes up
// to 4 MiB: 2,000 such peers then have all that TCP may have, and the others wait with them.
constexpr int kSendBufferBytes = 256 * 1024;

Status CannotBind(const Endpoint& endpoint, const boost::system::error_code& ec) {
  return Error(StatusCode::kUnavailable, "cannot listen on " + endpoint.host + ":" +
                                             std::to_string(endpoint.port) + ": " + ec.message());
}

}  // namespace

Listener::Listener(std::vector<IoTarget> targets, HttpService service)
    : targets_(std::move(targets)),
      service_(std::move(service)),
      acceptor_(*targets_.front().context) {}

StatusOr<std::unique_ptr<Listener>> Listener::Bind(const Endpoint& endpoint,
                                                   std::vector<IoTarget> targets,
                                                   HttpService service) {
  std::unique_ptr<Listener> listener(new Listener(std::move(targets), std::move(service)));
  boost::system::error_code ec;
  tcp::resolver resolver(*listener->targets_.front().context);
  const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port), ec);
  if (ec) return CannotBind(endpoint, ec);
  const tcp::endpoint address = found.begin()->endpoint();
  tcp::acceptor& acceptor = listener->acceptor_;
  acceptor.open(address.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(address, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return CannotBind(endpoint, ec);
  return listener;
}

void Listener::Start() { Spawn(acceptor_.get_executor(), Accept(this), "accept loop"); }

asio::awaitable<void> Listener::Accept(Listener* self) {
  asio::steady_timer pause(self->acceptor_.get_executor());
  while (self->acceptor_.is_open()) {
    const IoTarget target = self->targets_[self->next_++ % self->targets_.size()];
    auto [ec, socket] = co_await self->acceptor_.async_accept(*target.context, kAwait);
    if (ec == asio::error::operation_aborted) break;
    if (ec) {
      spdlog::warn("a connection could not be accepted: {}", ec.message());
      pause.expires_after(kAcceptPause);
      (void)co_await pause.async_wait(kAwait);
      continue;
    }
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
    self->Run(target, std::move(socket));
  }
}

void Listener::Run(const IoTarget& target, tcp::socket socket) {
  const auto executor = target.context->get_executor();
  EdgeLimits::Admission admission;
  if (service_.limits != nullptr) {
    boost::system::error_code ec;
    const tcp::endpoint peer = socket.remote_endpoint(ec);
    if (ec) return;  // it is gone already
    admission = service_.limits->Admit(peer.address().to_string(), target.hub->now());
  }
  if (admission.status.ok()) {
    Spawn(executor,
          RunHttpConnection(std::move(socket), *target.hub, service_, std::move(admission.place)),
          "HTTP connection");
  } else if (admission.told) {
    Spawn(executor, RefuseConnection(std::move(socket), service_, admission.status),
          "refused connection");
  }
}

void Listener::Close() {
  asio::post(acceptor_.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  });
}

Endpoint Listener::endpoint() const {
  boost::system::error_code ec;
  const tcp::endpoint local = acceptor_.local_endpoint(ec);
  return {local.address().to_string(), local.port()};
}

}  // namespace ackwire
