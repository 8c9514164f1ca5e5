#include "delivery/admin_api.h"

#include <string_view>
#include <utility>

#include "delivery/caller.h"
#include "delivery/payload_form.h"

namespace ackwire {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kMethodNotAllowed = 405;
constexpr unsigned kUnsupportedMediaType = 415;
constexpr unsigned kServiceUnavailable = 503;
constexpr std::size_t kShownBytesMax = 60;

HttpResponse NotAllowed(const char* allowed, const std::string& why) {
  HttpResponse response = ErrorResponse(InvalidArgument(why));
  response.status = kMethodNotAllowed;
  response.headers.emplace_back("Allow", allowed);
  return response;
}

HttpResponse Text(unsigned status, const std::string& text) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, text + "\n"};
}

}  // namespace

void AdminApi::SetNotReady(const std::string& why) {
  std::lock_guard lock(mutex_);
  not_ready_ = why;
}

HttpResponse AdminApi::Ready() {
  {
    std::lock_guard lock(mutex_);
    if (!not_ready_.empty()) return Text(kServiceUnavailable, not_ready_);
  }
  const Status store = check_store_();
  return store.ok() ? Text(kOk, "ready") : Text(kServiceUnavailable, MessageOf(store));
}

void AdminApi::SetCall(AdminCall call) {
  std::lock_guard lock(call_mutex_);
  call_ = std::move(call);
}

void AdminApi::Call(const HttpRequest& request, const std::string& method,
                    const HttpApi::Done& done) {
  if (request.method != "POST") {
    return done(NotAllowed("POST", "method: a call of " + method + " is made by POST"));
  }
  // Of what a page of another site may send without being asked about first, this takes nothing
  // that has a body.
  const std::string content_type = request.Header("Content-Type");
  const bool none = content_type.empty() && request.body.empty();
  if (!none && FormOf(content_type) != PayloadForm::kJson) {
    HttpResponse response =
        ErrorResponse(InvalidArgument("Content-Type: a body must be application/json, got \"" +
                                      content_type.substr(0, kShownBytesMax) + "\""));
    response.status = kUnsupportedMediaType;
    return done(std::move(response));
  }
  std::lock_guard lock(call_mutex_);
  if (call_ == nullptr) {
    return done(
        ErrorResponse(Error(StatusCode::kUnavailable, "the server is starting, or about to end")));
  }
  const std::string token(BearerTokenOf(request.Header("Authorization")));
  call_({method, request.body, token}, [done](const StatusOr<std::string>& answer) {
    if (!answer.ok()) return done(ErrorResponse(answer.status()));
    HttpResponse response = JsonResponse(kOk, *answer);
    response.headers.emplace_back("Cache-Control", "no-store");
    done(std::move(response));
  });
}

void AdminApi::Answer(const HttpRequest& request, const HttpApi::Done& done) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  constexpr std::string_view kCalls = "/v1/admin/";
  if (path.starts_with(kCalls)) return Call(request, path.substr(kCalls.size()), done);
  const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!known) {
    return done(ErrorResponse(
        Error(StatusCode::kNotFound,
              path + ": there are /healthz, /readyz, /metrics and /v1/admin/{Method} here")));
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return done(NotAllowed("GET, HEAD", path + " is read by GET"));
  }
  if (path == "/healthz") return done(Text(kOk, "ok"));
  if (path == "/readyz") return done(Ready());
  gather_([this, done](const Metrics::Gauges& gauges) {
    done({kOk,
          {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          metrics_.Scrape(gauges)});
  });
}

}  // namespace ackwire
