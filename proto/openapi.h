// The description of the HTTP API, proto/openapi.yaml, as the build put it into the program: a
// server needs no file beside it.
//
// Threads: any.
#pragma once

#include <string_view>

namespace ackwire {

extern const std::string_view kOpenApi;
extern const std::string_view kOpenApiTag;  // differs when the text does

}  // namespace ackwire
