#include "delivery/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "store/limits.h"

namespace ackwire {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kMessage[] = R"({
  "type": "object",
  "required": ["text"],
  "properties": {
    "text": {"type": "string", "maxLength": 10},
    "author": {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}}
  },
  "additionalProperties": false
})";

std::string Refusal(const std::string& schema, const std::string& text) {
  const Status status = JsonSchema::Parse(schema).value()->Check(text);
  EXPECT_EQ(status.ok() || status.code() == StatusCode::kInvalidArgument, true);
  return MessageOf(status);
}

TEST(JsonSchema, TakesWhatItDescribes) {
  EXPECT_EQ(Refusal(kMessage, R"({"text":"hello","author":{"age":3}})"), "");
}

TEST(JsonSchema, NamesThePlaceAndWhatIsWantedThere) {
  EXPECT_THAT(Refusal(kMessage, R"({"text":"hello","author":{"age":-1}})"),
              AllOf(HasSubstr("[author][age]"), HasSubstr("0")));
  EXPECT_THAT(Refusal(kMessage, R"({"author":{}})"), HasSubstr("text"));
  EXPECT_THAT(Refusal(kMessage, R"({"text":"hello","more":1})"), HasSubstr("more"));
  EXPECT_THAT(Refusal(kMessage, R"({"text":"longer than ten"})"), HasSubstr("[text]"));
  EXPECT_THAT(Refusal(kMessage, "[]"), HasSubstr("schema"));
}

TEST(JsonSchema, WhatIsNoJsonIsRefused) {
  EXPECT_THAT(Refusal(kMessage, "{"), HasSubstr("payload"));
  EXPECT_THAT(Refusal(kMessage, R"({"text":"a","text":"b"})"), HasSubstr("text"));
}

TEST(JsonSchema, FollowsReferencesWithinTheSchema) {
  const std::string schema = R"({"definitions":{"name":{"type":"string"}},
      "properties":{"a":{"$ref":"#/definitions/name"},"b":{"$ref":"#/definitions/name"}}})";
  EXPECT_EQ(Refusal(schema, R"({"a":"x","b":"y"})"), "");
  EXPECT_THAT(Refusal(schema, R"({"a":"x","b":7})"), HasSubstr("[b]"));
}

TEST(JsonSchema, AKeywordsNameMayBeAProperty) {
  const std::string schema = R"({"properties":{"pattern":{"type":"string"}},"enum":[
      {"pattern":"a"},{"format":1}]})";
  EXPECT_EQ(Refusal(schema, R"({"pattern":"a"})"), "");
  EXPECT_THAT(Refusal(schema, R"({"pattern":"b"})"), HasSubstr("schema"));
}

TEST(JsonSchema, ARefusalIsShortWhateverThePayload) {
  const std::string key(20'000, 'k');
  EXPECT_LT(Refusal(kMessage, R"({"text":"a",")" + key + R"(":1})").size(), 500U);
  EXPECT_LT(Refusal(kMessage, "{\"" + key + "\":1,\"" + key + "\":2}").size(), 500U);
  std::string umlauts;
  for (int i = 0; i < 300; ++i) umlauts += "ä";
  const std::string refusal = Refusal(kMessage, R"({"text":"a",")" + umlauts + R"(":1})");
  EXPECT_LT(refusal.size(), 500U);
  EXPECT_TRUE(IsUtf8(refusal));
}

TEST(JsonSchema, WhatWouldKeepTheServerBusyIsNotTaken) {
  const auto refusal = [](const std::string& text) {
    return MessageOf(JsonSchema::Parse(text).status());
  };
  EXPECT_THAT(refusal(R"({"pattern":"a"})"), HasSubstr("\"pattern\" is not taken"));
  EXPECT_THAT(refusal(R"({"properties":{"a":{"items":{"format":"date"}}}})"), HasSubstr("format"));
  EXPECT_THAT(refusal(R"({"allOf":[{"patternProperties":{}}]})"), HasSubstr("patternProperties"));
  EXPECT_THAT(refusal(R"({"uniqueItems":true})"), HasSubstr("uniqueItems"));
  EXPECT_THAT(refusal(R"({"$ref":"#"})"), HasSubstr("circle"));
  EXPECT_THAT(refusal(R"({"allOf":[{"$ref":"#"}]})"), HasSubstr("circle"));
  EXPECT_THAT(refusal(R"({"definitions":{"a":{"$ref":"#/definitions/b"},
      "b":{"items":{"$ref":"#/definitions/a"}}}})"),
              HasSubstr("circle"));
  EXPECT_THAT(refusal(R"({"$ref":"#/definitions/none"})"), HasSubstr("nothing at"));
}

TEST(JsonSchema, DividesByWhatIsGreaterThanZeroOnly) {
  for (const char* divisor : {"0", "-1", "0.0", "-0", "\"0\"", "null", "[3]"}) {
    const std::string schema = std::string(R"({"items":{"multipleOf":)") + divisor + "}}";
    EXPECT_THAT(MessageOf(JsonSchema::Parse(schema).status()),
                HasSubstr("multipleOf: must be a number greater than 0, got "))
        << divisor;
  }
  EXPECT_EQ(Refusal(R"({"multipleOf":3})", "9"), "");
  EXPECT_THAT(Refusal(R"({"multipleOf":3})", "10"), HasSubstr("multiple of 3"));
  EXPECT_EQ(Refusal(R"({"multipleOf":0.5})", "1.5"), "");
  EXPECT_EQ(Refusal(R"({"properties":{"multipleOf":{"type":"number"}}})", R"({"multipleOf":0})"),
            "");
}

TEST(JsonSchema, WhatIsNoSchemaIsRefused) {
  const auto refusal = [](const std::string& text) {
    const auto schema = JsonSchema::Parse(text);
    EXPECT_EQ(schema.status().code(), StatusCode::kInvalidArgument) << text;
    return MessageOf(schema.status());
  };
  EXPECT_THAT(refusal("{"), HasSubstr("schema"));
  EXPECT_THAT(refusal("[]"), HasSubstr("object"));
  EXPECT_THAT(refusal(R"({"type":"strin"})"), HasSubstr("schema"));
  EXPECT_THAT(refusal(R"({"type":7})"), HasSubstr("schema"));
  EXPECT_THAT(refusal(R"({"$ref":"http://example.org/other.json"})"), HasSubstr("schema"));
}

}  // namespace
}  // namespace ackwire
