// AllowedHosts knows under which names the server may be called. A page whose name was made to lead
// to this machine (DNS rebinding) sends that name as Host: it is none of these.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/status.h"

namespace ackwire {

class AllowedHosts {
 public:
  // `own`: the listener's host, as it was given. `more`: as ParseHostName gives them.
  AllowedHosts(std::string own, std::vector<std::string> more);

  // `host`: the header's value; its port may be any, as tunnels and containers map them.
  // `local_address`: where the connection came to.
  [[nodiscard]] bool Allows(std::string_view host, std::string_view local_address) const;

 private:
  const std::vector<std::string> names_;
};

// A name or an address without a port, in lower case.
//   kInvalidArgument  it is none
[[nodiscard]] StatusOr<std::string> ParseHostName(const std::string& text);

}  // namespace ackwire
