// GET /v1/openapi.yaml: this API as OpenAPI describes it, for generating clients.
//
// Threads: any; nothing here blocks.
#pragma once

#include "delivery/http_api.h"
#include "delivery/http_target.h"

namespace ackwire {

[[nodiscard]] bool IsDescriptionPath(const HttpTarget& target);

// With an ETag; the methods are GET, HEAD and OPTIONS.
[[nodiscard]] HttpResponse AnswerDescription(const HttpRequest& request);

}  // namespace ackwire
