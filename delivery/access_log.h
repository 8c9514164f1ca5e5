// What a line of the access log tells of a request: nothing that a caller keeps secret. The values
// of a query, the headers and the bodies are in none.
//
// Threads: any.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "store/types.h"

namespace ackwire {

struct AccessEntry {
  std::string request_id;
  std::string remote_address;
  std::string method;  // empty, with `target`: what came was no HTTP
  std::string target;  // as ShownTarget gives it
  unsigned status = 0;
  std::size_t bytes = 0;  // of the answer's body
  Duration took{};
};

// Null: there is no such log.
using AccessLog = std::function<void(const AccessEntry&)>;

// The path, at most 512 bytes of it; of a query only that there is one.
[[nodiscard]] std::string ShownTarget(std::string_view target);

// One line, without time: `GET /v1/openapi.yaml 200 …`.
[[nodiscard]] std::string AccessLine(const AccessEntry& entry);
// The same as the members of a JSON object: `"requestId":…`.
[[nodiscard]] std::string AccessMembers(const AccessEntry& entry);

}  // namespace ackwire
