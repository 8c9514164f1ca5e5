// Without it valijson ends the process where it would throw.
#define VALIJSON_USE_EXCEPTIONS 1

#include "delivery/json_schema.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <exception>
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

constexpr std::array<std::string_view, 4> kNotTaken = {"pattern", "patternProperties", "format",
                                                       "uniqueItems"};
// Of what a schema's references lead to, and of what is said of a payload.
constexpr std::size_t kStepsMax = 10'000;
constexpr std::size_t kExplainedBytesMax = 16'384;
constexpr std::size_t kSaidBytesMax = 400;

// Follows a schema's references as a check would.
class SchemaWalk {
 public:
  explicit SchemaWalk(const json::value& document) : document_(document) {}

  [[nodiscard]] Status Go() { return Visit(document_, Names::kKeywords); }

 private:
  // Whether the members of an object are keywords, or names that the schema's author chose.
  enum class Names { kKeywords, kChosen };

  Status Visit(const json::value& value, Names names) {
    if (++steps_ > kStepsMax) {
      return InvalidArgument("schema: is too large, or its references lead to too much");
    }
    if (const json::array* items = value.if_array()) {
      for (const json::value& each : *items) {
        if (Status status = Visit(each, Names::kKeywords); !status.ok()) return status;
      }
    }
    if (const json::object* object = value.if_object()) {
      for (const auto& member : *object) {
        if (Status status = VisitMember(member, names); !status.ok()) return status;
      }
    }
    return OkStatus();
  }

  Status VisitMember(const json::key_value_pair& member, Names names) {
    const std::string_view key(member.key().data(), member.key().size());
    if (names == Names::kChosen) return Visit(member.value(), Names::kKeywords);
    if (key == "enum" || key == "const" || key == "default" || key == "examples") return OkStatus();
    if (std::find(kNotTaken.begin(), kNotTaken.end(), key) != kNotTaken.end()) {
      return InvalidArgument("schema: \"" + std::string(key) +
                             "\" is not taken: a small payload could keep the server busy by it");
    }
    if (key == "multipleOf") return CheckDivisor(member.value());
    if (key == "$ref") return Follow(member.value());
    const bool chosen = key == "properties" || key == "definitions" || key == "dependencies";
    return Visit(member.value(), chosen ? Names::kChosen : Names::kKeywords);
  }

  // valijson divides by whatever stands there.
  static Status CheckDivisor(const json::value& value) {
    json::error_code ec;
    if (value.is_number() && value.to_number<double>(ec) > 0) return OkStatus();
    return InvalidArgument("schema: multipleOf: must be a number greater than 0, got " +
                           json::serialize(value));
  }

  Status Follow(const json::value& value) {
    const json::string* text = value.if_string();
    const std::string name = text == nullptr ? "" : std::string(text->data(), text->size());
    if (name.empty() || name.front() != '#') {
      return InvalidArgument(
          "schema: $ref: must lead to a place in the schema, such as "
          "#/definitions/name, got \"" +
          name + "\"");
    }
    if (std::find(following_.begin(), following_.end(), name) != following_.end() || name == "#") {
      return InvalidArgument("schema: $ref: " + name + " leads in a circle, which is not taken");
    }
    json::error_code ec;
    const json::value* target = document_.find_pointer(name.substr(1), ec);
    if (target == nullptr) {
      return InvalidArgument("schema: $ref: there is nothing at " + name);
    }
    following_.push_back(name);
    Status status = Visit(*target, Names::kKeywords);
    following_.pop_back();
    return status;
  }

  const json::value& document_;
  std::vector<std::string> following_;
  std::size_t steps_ = 0;
};

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

// At most kSaidBytesMax, and no character cut in two.
std::string Shortened(std::string text) {
  if (text.size() <= kSaidBytesMax) return text;
  std::size_t end = kSaidBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

JsonSchema::JsonSchema() : schema_(std::make_unique<valijson::Schema>()) {}
JsonSchema::~JsonSchema() = default;

StatusOr<std::shared_ptr<const JsonSchema>> JsonSchema::Parse(std::string_view text) {
  const StatusOr<json::value> document = ParseStrictJson(text, "schema");
  if (!document.ok()) return document.status();
  if (!document->is_object()) return InvalidArgument("schema: must be a JSON object");
  if (Status status = SchemaWalk(*document).Go(); !status.ok()) return status;
  const std::shared_ptr<JsonSchema> schema(new JsonSchema());
  try {
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(BoostJsonAdapter(*document), *schema->schema_);
  } catch (const std::exception& error) {
    return InvalidArgument(std::string("schema: ") + error.what());
  }
  return std::shared_ptr<const JsonSchema>(schema);
}

Status JsonSchema::Check(std::string_view text) const {
  const StatusOr<json::value> value = ParseStrictJson(text, "payload");
  if (!value.ok()) return InvalidArgument(Shortened(MessageOf(value.status())));
  const BoostJsonAdapter payload(*value);
  // The first fault is enough for the answer. All of them, to find the one that says most, may be
  // as many as there are values.
  if (valijson::Validator().validate(*schema_, payload, nullptr)) return OkStatus();
  std::string why;
  if (text.size() <= kExplainedBytesMax) {
    valijson::ValidationResults results;
    valijson::Validator().validate(*schema_, payload, &results);
    why = ": " + DeepestOf(results);
  }
  return InvalidArgument(Shortened("payload: is not what the channel's schema describes" + why));
}

}  // namespace ackwire
