// JsonSchema says whether a text is the JSON that a schema describes: JSON Schema draft 7, by
// valijson, without the keywords that would let a small payload keep the server busy for long.
//
// Threads: Check from any.
// Bounds:  a check costs as much as the schema times the payload at most.
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

class JsonSchema {
 public:
  // `$ref` is taken within the schema, and not in a circle. Not taken are `pattern`,
  // `patternProperties` and `format`, whose regular expressions go as deep as their subject is
  // long, and `uniqueItems`, which compares each item with each. `multipleOf` is greater than 0.
  //   kInvalidArgument  says what is no schema in it, or not taken
  [[nodiscard]] static StatusOr<std::shared_ptr<const JsonSchema>> Parse(std::string_view text);
  ~JsonSchema();
  JsonSchema(const JsonSchema&) = delete;
  JsonSchema& operator=(const JsonSchema&) = delete;

  //   kInvalidArgument  names the place in the text, and what the schema wants there
  [[nodiscard]] Status Check(std::string_view text) const;

 private:
  JsonSchema();

  const std::unique_ptr<valijson::Schema> schema_;
};

}  // namespace ackwire
