// How JSON shows a payload, by its content type.
//
// Threads: any.
#pragma once

#include <string_view>

namespace ackwire {

enum class PayloadForm {
  kJson,   // application/json: the value itself
  kText,   // text/*: a string
  kBytes,  // anything else: base64
};

// Without parameters and the white space before them.
[[nodiscard]] std::string_view MediaTypeOf(std::string_view content_type);

// Case and parameters (`; charset=utf-8`) do not matter.
[[nodiscard]] PayloadForm FormOf(std::string_view content_type);

}  // namespace ackwire
