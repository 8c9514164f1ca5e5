// How attempts end without an acknowledgement: by the client's own answer, or with its connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "store/types.h"

namespace ackwire {

// The client refuses deliveries.
struct Refusal {
  std::vector<std::uint64_t> deliveries;
  std::string reason;  // the client's own words
  Duration delay{};    // earliest next attempt
  bool final = false;
};

// The connection has ended, and with it what was in flight.
struct Ending {
  std::uint16_t close_code = 0;
  v1::Reason reason = v1::REASON_DISCONNECTED;
  std::string detail;
  bool counts = true;  // towards max-disconnects
};

}  // namespace ackwire
