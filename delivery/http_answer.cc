// What every answer is made with, and read from every request: apart from HttpApi, which needs a
// store.
#include <absl/strings/cord.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <chrono>

#include "delivery/http_api.h"
#include "delivery/message_json.h"

namespace ackwire {
namespace {

constexpr char kTooLargeMark[] = "ackwire/too-large";

unsigned HttpStatusOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return status.GetPayload(kTooLargeMark) ? 413 : 400;
    case StatusCode::kUnauthenticated:
      return 401;
    case StatusCode::kPermissionDenied:
      return 403;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kAlreadyExists:
    case StatusCode::kAborted:
    case StatusCode::kFailedPrecondition:
      return 409;
    case StatusCode::kResourceExhausted:
      return IsDiskFull(status) ? 507 : 429;
    case StatusCode::kUnimplemented:
      return 501;
    case StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

std::string HttpRequest::Header(const std::string& name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
    return absl::EqualsIgnoreCase(header.first, name);
  });
  return found == headers.end() ? std::string() : found->second;
}

HttpResponse JsonResponse(unsigned status, std::string body) {
  return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

HttpResponse ErrorResponse(const Status& status) {
  HttpResponse response = JsonResponse(HttpStatusOf(status), EncodeError(status));
  if (IsRetryable(status)) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(RetryAfter(status));
    response.headers.emplace_back("Retry-After", std::to_string(seconds.count()));
  }
  if (status.code() == StatusCode::kUnauthenticated) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  return response;
}

HttpResponse MethodNotAllowed(const std::string& method, const char* allowed) {
  HttpResponse response =
      ErrorResponse(Error(StatusCode::kUnimplemented, "method: this path has no " + method +
                                                          "; it has " + std::string(allowed)));
  response.status = 405;
  response.headers.emplace_back("Allow", allowed);
  return response;
}

std::optional<HttpResponse> AnswerByMethod(const std::string& method, const char* allowed) {
  if (method == "OPTIONS") return HttpResponse{204, {{"Allow", allowed}}, {}};
  const std::vector<std::string> methods = absl::StrSplit(allowed, ", ");
  if (std::find(methods.begin(), methods.end(), method) != methods.end()) return std::nullopt;
  return MethodNotAllowed(method, allowed);
}

Status TooLarge(const std::string& message) {
  Status status = InvalidArgument(message);
  status.SetPayload(kTooLargeMark, absl::Cord());
  return status;
}

}  // namespace ackwire
