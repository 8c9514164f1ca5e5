#include "delivery/http_gate.h"

#include <absl/strings/match.h>

#include <algorithm>

#include "delivery/event_stream_request.h"

namespace ackwire {
namespace {

constexpr char kHeadersTaken[] =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Ackwire-Attempt, "
    "traceparent, X-Request-Id";
constexpr char kHeadersShown[] = "Allow, ETag, Retry-After, X-Request-Id";
// How long a browser may go without asking again: Chromium's own limit is two hours.
constexpr char kPreflightSeconds[] = "7200";

HttpResponse Forbidden(const std::string& why) {
  return ErrorResponse(Error(StatusCode::kPermissionDenied, why));
}

// An image, say, of a page of another site: browsers give it no Origin. No other request without
// one changes anything; an event stream takes a client's session over, and acknowledges.
bool IsFetchedFromElsewhere(const HttpRequest& request) {
  const std::string site = request.Header("Sec-Fetch-Site");
  return IsEventStreamPath(request.target) && (site == "cross-site" || site == "same-site");
}

}  // namespace

HttpGate::HttpGate(std::string own_host, const EdgePolicy& policy, std::string scheme)
    : hosts_(std::move(own_host), policy.hosts), origins_(policy.origins, std::move(scheme)) {}

std::optional<HttpResponse> HttpGate::Refusal(const HttpRequest& request,
                                              std::string_view local_address) const {
  // HTTP/1.0 may leave it out; no browser does.
  const std::string host = request.Header("Host");
  if (!host.empty() && !hosts_.Allows(host, local_address)) {
    return Forbidden("Host: the server is not called by this name; --allow-host adds one");
  }
  const AllowedOrigins::Origin origin = Judge(request);
  if (origin == AllowedOrigins::Origin::kForeign) {
    return Forbidden("Origin: pages of this origin are not let in; --allow-origin adds one");
  }
  if (origin == AllowedOrigins::Origin::kNone && IsFetchedFromElsewhere(request)) {
    return Forbidden(
        "Sec-Fetch-Site: pages of another site open event streams by an EventSource, "
        "which tells their origin");
  }
  return std::nullopt;
}

HttpGate::Cors HttpGate::CorsOf(const HttpRequest& request) const {
  Cors cors;
  // Also for who has no origin: a cache must not give one what another was answered.
  if (origins_.any()) cors.headers.emplace_back("Vary", "Origin");
  if (Judge(request) != AllowedOrigins::Origin::kAllowed) return cors;
  cors.headers.emplace_back("Access-Control-Allow-Origin", request.Header("Origin"));
  cors.preflight =
      request.method == "OPTIONS" && !request.Header("Access-Control-Request-Method").empty();
  if (!cors.preflight) {
    cors.headers.emplace_back("Access-Control-Expose-Headers", kHeadersShown);
  }
  return cors;
}

void HttpGate::Add(Cors cors, HttpResponse& response) {
  const auto allow = std::find_if(response.headers.begin(), response.headers.end(),
                                  [](const auto& header) { return header.first == "Allow"; });
  if (cors.preflight && allow != response.headers.end()) {
    cors.headers.emplace_back("Access-Control-Allow-Methods", allow->second);
    cors.headers.emplace_back("Access-Control-Allow-Headers", kHeadersTaken);
    cors.headers.emplace_back("Access-Control-Max-Age", kPreflightSeconds);
  }
  for (auto& header : cors.headers) response.headers.push_back(std::move(header));
}

AllowedOrigins::Origin HttpGate::Judge(const HttpRequest& request) const {
  const std::string host = request.Header("Host");
  OriginHeaders origin{.values = {}, .host = host};
  for (const auto& [name, value] : request.headers) {
    if (absl::EqualsIgnoreCase(name, "Origin")) origin.values.push_back(value);
  }
  return origins_.Judge(origin);
}

std::shared_ptr<const HttpGate> MakeGate(std::string own_host, const EdgePolicy& policy,
                                         std::string scheme) {
  return std::make_shared<HttpGate>(std::move(own_host), policy, std::move(scheme));
}

}  // namespace ackwire
