// Listener accepts TCP connections at one address and spreads them over the I/O threads.
//
// Threads:  Bind and Close by the owner; accepting runs on the first hub's thread.
// Lifetime: borrows hubs, contexts and service.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "delivery/http_connection.h"
#include "store/status.h"

namespace ackwire {

struct Endpoint;

// An I/O thread, as a connection needs it.
struct IoTarget {
  boost::asio::io_context* context;
  Hub* hub;
};

class Listener {
 public:
  //   kUnavailable  the address cannot be bound; the message names it
  [[nodiscard]] static StatusOr<std::unique_ptr<Listener>> Bind(const Endpoint& endpoint,
                                                                std::vector<IoTarget> targets,
                                                                HttpService service);

  void Start();
  void Close();
  [[nodiscard]] Endpoint endpoint() const;

 private:
  Listener(std::vector<IoTarget> targets, HttpService service);
  static boost::asio::awaitable<void> Accept(Listener* self);
  void Run(const IoTarget& target, boost::asio::ip::tcp::socket socket);

  const std::vector<IoTarget> targets_;
  const HttpService service_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::size_t next_ = 0;
};

}  // namespace ackwire
