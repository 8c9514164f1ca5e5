// SubscribersLoad subscribes and publishes over gRPC, as fast as one client of a server can.
//
// Threads: one; a publishing stream has one more, which reads the answers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tools/ackbench/workload.h"
#include "tools/ackctl/connection.h"

namespace ackwire::bench {

class SubscribersLoad {
 public:
  // Throws std::runtime_error when nobody answers at the address.
  SubscribersLoad(const std::string& grpc_address, std::size_t payload_bytes);

  // Publishes `messages` new ones into the channel over one PublishStream; returns how many a
  // second were answered. Throws when one is refused.
  double Publish(const std::string& channel, std::uint64_t messages);

  struct Subscribers {
    std::uint64_t count = 0;
    std::uint64_t in_a_call = 0;
  };
  // Subscribes clients that were never seen before by SubscribeMany, a call after the other;
  // returns how many a second. Throws when a call is refused, or does not answer for each of them.
  double Subscribe(const std::string& channel, const Subscribers& subscribers,
                   const std::function<void(std::uint64_t done)>& progress);

 private:
  const ctl::Connection connection_;
  const Workload workload_;
  std::uint64_t published_ = 0;   // each message is another
  std::uint64_t subscribed_ = 0;  // each client too
};

}  // namespace ackwire::bench
