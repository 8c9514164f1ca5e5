// JsonSchema says whether a text is the JSON that a schema describes: JSON Schema draft 7, by
// valijson.
//
// Threads: Check from any.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "store/status.h"

namespace valijson {
class Schema;
}

namespace ackwire {

// With a schema that has patterns, strings may be so long: the regular expressions of the standard
// library go as deep as their subject is long, and a longer one could overflow the stack.
inline constexpr std::size_t kMatchedBytesMax = 4096;

class JsonSchema {
 public:
  // Schemas elsewhere that it refers to are not fetched.
  //   kInvalidArgument  says what is no schema in it
  [[nodiscard]] static StatusOr<std::shared_ptr<const JsonSchema>> Parse(std::string_view text);
  ~JsonSchema();
  JsonSchema(const JsonSchema&) = delete;
  JsonSchema& operator=(const JsonSchema&) = delete;

  //   kInvalidArgument  names the place in the text, and what the schema wants there
  [[nodiscard]] Status Check(std::string_view text) const;

 private:
  JsonSchema();

  const std::unique_ptr<valijson::Schema> schema_;
  bool has_patterns_ = false;
};

}  // namespace ackwire
