#include "delivery/http_description.h"

#include <string>
#include <utility>

#include "delivery/http_history.h"
#include "proto/openapi.h"

namespace ackwire {
namespace {

constexpr char kMethods[] = "GET, HEAD, OPTIONS";

}  // namespace

bool IsDescriptionPath(const HttpTarget& target) {
  const auto& path = target.segments;
  return path.size() == 2 && path[0] == "v1" && path[1] == "openapi.yaml";
}

HttpResponse AnswerDescription(const HttpRequest& request) {
  if (auto answer = AnswerByMethod(request.method, kMethods)) return *std::move(answer);
  const std::string etag = '"' + std::string(kOpenApiTag) + '"';
  HttpResponse response{304, {{"ETag", etag}, {"Cache-Control", "no-cache"}}, {}};
  if (MatchesAny(request.Header("If-None-Match"), etag)) return response;
  response.status = 200;
  response.headers.emplace_back("Content-Type", "application/yaml");
  response.body = kOpenApi;
  return response;
}

}  // namespace ackwire
