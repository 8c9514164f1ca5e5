#include "delivery/admin_api.h"

#include <utility>

namespace ackwire {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kMethodNotAllowed = 405;
constexpr unsigned kServiceUnavailable = 503;

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

void AdminApi::Answer(const HttpRequest& request, const HttpApi::Done& done) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!known) {
    return done(ErrorResponse(
        Error(StatusCode::kNotFound, path + ": there are /healthz, /readyz and /metrics here")));
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = ErrorResponse(InvalidArgument(path + " is read by GET"));
    response.status = kMethodNotAllowed;
    response.headers.emplace_back("Allow", "GET, HEAD");
    return done(std::move(response));
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
