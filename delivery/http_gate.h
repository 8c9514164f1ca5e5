// HttpGate decides which requests a listener takes, by where they are addressed to and which page
// sends them, and what a browser is told so that a page of another site may read the answer (CORS).
// It is asked before anything is done, an upgrade and a body included.
//
// Threads: any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "delivery/allowed_hosts.h"
#include "delivery/allowed_origins.h"
#include "delivery/edge_policy.h"
#include "delivery/http_api.h"

namespace ackwire {

class HttpGate {
 public:
  // `own_host`: the listener's, as it was given. `scheme`: likewise.
  HttpGate(std::string own_host, const EdgePolicy& policy, std::string scheme);

  // The answer to a request that is not let in: 403, of a foreign Host or Origin, or an event
  // stream that a page of another site opens without one. None: it is.
  [[nodiscard]] std::optional<HttpResponse> Refusal(const HttpRequest& request,
                                                    std::string_view local_address) const;

  // What the answer to a request that is let in needs besides.
  struct Cors {
    std::vector<std::pair<std::string, std::string>> headers;
    bool preflight = false;  // the browser asks which methods and headers it may send
  };
  [[nodiscard]] Cors CorsOf(const HttpRequest& request) const;
  static void Add(Cors cors, HttpResponse& response);

 private:
  [[nodiscard]] AllowedOrigins::Origin Judge(const HttpRequest& request) const;

  const AllowedHosts hosts_;
  const AllowedOrigins origins_;
};

[[nodiscard]] std::shared_ptr<const HttpGate> MakeGate(std::string own_host,
                                                       const EdgePolicy& policy,
                                                       std::string scheme = "http");

}  // namespace ackwire
