// What the listener for clients takes: from whom, and how much of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/types.h"

namespace ackwire {

// What a request may be.
struct HttpLimits {
  std::uint64_t header_bytes = 8ULL << 10U;  // at most kHttpHeaderBytesMax
  // A payload of kPayloadBytesMax as JSON text takes up to six times its bytes.
  std::uint64_t body_bytes = 2ULL << 20U;
  Duration header_time{10'000};
  Duration body_time{30'000};
};

// None: no limit.
struct EdgePolicy {
  // Besides the listeners' own and loopback (delivery/allowed_hosts.h).
  std::vector<std::string> hosts;
  // Of pages of other sites (delivery/allowed_origins.h).
  std::vector<std::string> origins;

  // Each costs some 10 KiB and a file: 50,000 are 0.5 GiB before anything is delivered.
  std::optional<std::uint32_t> connections = 50'000;
  // None, as behind a proxy all clients come from one address.
  std::optional<std::uint32_t> connections_per_address;
  std::optional<std::uint32_t> connect_rate;  // a second, from one address; none likewise
  // Clients say who they are within seconds, so even a reconnect of all has few at a time.
  std::optional<std::uint32_t> unauthenticated = 10'000;
  // Of a user, or an address where no user is named; none, as a back end may well be one of both.
  std::optional<std::uint32_t> publish_rate;
  HttpLimits http;
};

}  // namespace ackwire
