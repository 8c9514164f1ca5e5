// Said is what a simulated client says: as the model understands it, and as the frame that the
// session gets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/types.h"
#include "store/work.h"

namespace ackwire {

struct Said {
  enum class Kind { kConnect, kSubscribe, kUnsubscribe, kAck, kNack, kWorking, kPong };
  struct Subscription {
    std::string channel;
    StartAt start;
  };

  Kind kind = Kind::kPong;
  std::string client;                       // connect
  std::uint32_t window = 0;                 // connect
  std::string resume_session;               // connect; empty: does not resume
  std::uint64_t resume_delivery = 0;        // connect
  std::vector<Subscription> subscriptions;  // connect; subscribe: one
  std::string channel;                      // unsubscribe
  std::uint64_t up_to = 0;                  // ack; 0: by number
  std::vector<std::uint64_t> deliveries;    // ack, nack, working
  std::uint32_t id = 0;
  Duration delay{0};   // nack
  bool final = false;  // nack

  [[nodiscard]] std::string ToJson() const;
};

}  // namespace ackwire
