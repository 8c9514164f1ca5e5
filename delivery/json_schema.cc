// Without it valijson ends the process where it would throw.
#define VALIJSON_USE_EXCEPTIONS 1

#include "delivery/json_schema.h"

#include <algorithm>
#include <boost/json.hpp>
#include <exception>
#include <regex>
#include <string>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "delivery/strict_json.h"

namespace ackwire {
namespace {

namespace json = boost::json;

using valijson::adapters::BoostJsonAdapter;

// Whether one of the keywords by which valijson matches regular expressions stands in it; a
// property of such a name is taken for one.
bool HasPatterns(const json::value& value) {
  if (const json::array* items = value.if_array()) {
    return std::any_of(items->begin(), items->end(), HasPatterns);
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return false;
  return std::any_of(object->begin(), object->end(), [](const auto& member) {
    const json::string_view key = member.key();
    return key == "pattern" || key == "patternProperties" || key == "format" ||
           HasPatterns(member.value());
  });
}

std::size_t LongestString(const json::value& value) {
  std::size_t longest = 0;
  if (const json::string* text = value.if_string()) longest = text->size();
  if (const json::array* items = value.if_array()) {
    for (const json::value& each : *items) longest = std::max(longest, LongestString(each));
  }
  if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) {
      longest = std::max({longest, member.key().size(), LongestString(member.value())});
    }
  }
  return longest;
}

// valijson says `[author]` for the member author, `[0]` for an item, and begins with <root>.
std::string PlaceOf(const std::vector<std::string>& context) {
  std::string place;
  for (std::size_t i = 1; i < context.size(); ++i) place += context[i];
  return place;
}

// The one that is deepest in the text says most.
std::string DeepestOf(valijson::ValidationResults& results) {
  valijson::ValidationResults::Error deepest;
  for (valijson::ValidationResults::Error error; results.popError(error);) {
    if (error.context.size() > deepest.context.size()) deepest = error;
  }
  while (!deepest.description.empty() && deepest.description.back() == '.') {
    deepest.description.pop_back();
  }
  const std::string place = PlaceOf(deepest.context);
  return (place.empty() ? "" : "at " + place + ": ") + deepest.description;
}

}  // namespace

JsonSchema::JsonSchema() : schema_(std::make_unique<valijson::Schema>()) {}
JsonSchema::~JsonSchema() = default;

StatusOr<std::shared_ptr<const JsonSchema>> JsonSchema::Parse(std::string_view text) {
  const StatusOr<json::value> document = ParseStrictJson(text, "schema");
  if (!document.ok()) return document.status();
  if (!document->is_object()) return InvalidArgument("schema: must be a JSON object");
  const std::shared_ptr<JsonSchema> schema(new JsonSchema());
  schema->has_patterns_ = HasPatterns(*document);
  try {
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(BoostJsonAdapter(*document), *schema->schema_);
    // Patterns are compiled when they are first needed: here, where what is wrong can be said.
    (void)schema->Check("null");
  } catch (const std::exception& error) {
    return InvalidArgument(std::string("schema: ") + error.what());
  }
  return std::shared_ptr<const JsonSchema>(schema);
}

Status JsonSchema::Check(std::string_view text) const {
  const StatusOr<json::value> value = ParseStrictJson(text, "payload");
  if (!value.ok()) return value.status();
  if (const std::size_t longest = LongestString(*value);
      has_patterns_ && longest > kMatchedBytesMax) {
    return InvalidArgument(
        "payload: the channel's schema has patterns, and with these strings are "
        "at most " +
        std::to_string(kMatchedBytesMax) + " bytes, got " + std::to_string(longest));
  }
  valijson::ValidationResults results;
  try {
    if (valijson::Validator().validate(*schema_, BoostJsonAdapter(*value), &results)) {
      return OkStatus();
    }
  } catch (const std::exception& error) {  // of the regular expressions: too much work
    return InvalidArgument(std::string("payload: cannot be compared with the channel's schema: ") +
                           error.what());
  }
  return InvalidArgument("payload: is not what the channel's schema describes: " +
                         DeepestOf(results));
}

}  // namespace ackwire
