#include "delivery/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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

TEST(JsonSchema, WithPatternsStringsAreBounded) {
  const std::string schema = R"({"type":"string","pattern":"^(a|b)*$"})";
  EXPECT_EQ(Refusal(schema, "\"" + std::string(kMatchedBytesMax, 'a') + "\""), "");
  EXPECT_THAT(Refusal(schema, "\"" + std::string(kMatchedBytesMax + 1, 'a') + "\""),
              HasSubstr("4096"));
  EXPECT_THAT(Refusal(schema, R"("abc")"), HasSubstr("schema"));
  // Without, they may be as long as a payload.
  EXPECT_EQ(Refusal(R"({"type":"string"})", "\"" + std::string(200'000, 'a') + "\""), "");
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
