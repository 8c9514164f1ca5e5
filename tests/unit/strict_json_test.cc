#include "delivery/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace ackwire {
namespace {

using testing::HasSubstr;

std::string Nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string StrictRefusal(std::string_view text) {
  const auto value = ParseStrictJson(text, "body");
  EXPECT_FALSE(value.ok()) << text;
  EXPECT_EQ(value.status().code(), StatusCode::kInvalidArgument);
  return MessageOf(value.status());
}

TEST(StrictJson, TakesWhatJsonIs) {
  const std::string text =
      R"({"a":[1,-2,2.5,true,false,null,18446744073709551615],"b":{"a":"x\u00e9\n\ud83d\ude00"}})";
  const auto value = ParseStrictJson(" " + text + " \n", "body");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, boost::json::parse(text));
}

TEST(StrictJson, TakesLongStringsWithEscapes) {
  std::string long_text(100'000, 'x');
  long_text.append("\\n").append(100'000, 'y');
  const std::string text = "{\"" + long_text + "\":\"" + long_text + "\"}";
  const auto value = ParseStrictJson(text, "body");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, boost::json::parse(text));
}

TEST(StrictJson, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(StrictRefusal(R"({"a":1,"b":2,"a":3})"),
            "body: the key \"a\" stands twice in one object; give it once");
  EXPECT_THAT(StrictRefusal(R"({"x":[{"a":1,"a":1}]})"), HasSubstr("\"a\" stands twice"));
  EXPECT_THAT(StrictRefusal(R"({"a":1,"\u0061":1})"), HasSubstr("\"a\" stands twice"));
  EXPECT_TRUE(ParseStrictJson(R"({"a":{"a":1},"b":{"a":[{"a":1},{"a":1}]}})", "body").ok());
}

TEST(StrictJson, SaysOfALongKeyNoMoreThanAWebSocketsCloseHasRoomFor) {
  const std::string key = std::string(47, 'k') + "é" + std::string(1000, 'k');
  EXPECT_EQ(
      StrictRefusal("{\"" + key + "\":1,\"" + key + "\":1}"),
      "body: the key \"" + std::string(47, 'k') + "…\" stands twice in one object; give it once");
}

TEST(StrictJson, RefusesWhatIsTooDeep) {
  EXPECT_TRUE(ParseStrictJson(Nested(32), "body").ok());
  EXPECT_EQ(StrictRefusal(Nested(33)), "body: must be JSON at most 32 levels deep");
  EXPECT_EQ(StrictRefusal(std::string(100'000, '[')), "body: must be JSON at most 32 levels deep");
}

TEST(StrictJson, RefusesWhatIsNoJson) {
  for (const char* text :
       {"", " ", "{", "{\"a\":", "{'a':1}", "{\"a\":1,}", "NaN", "{}{}", "1 2", "\"\\ud800\"",
        "\"\\udc00x\"", "\"\xff\"", "{\"\xc3\":1}", "\"a\nb\"", "/*c*/1"}) {
    EXPECT_THAT(StrictRefusal(text), HasSubstr("body: must be valid JSON: ")) << text;
  }
}

TEST(StrictJson, KnowsPayloadsThatCanBeEmbedded) {
  for (const std::string text : {"1", " {\"a\":1} ", "null", "\"x\"", "{\"a\":1,\"a\":2}"}) {
    EXPECT_TRUE(IsJson(text)) << text;
  }
  EXPECT_TRUE(IsJson(Nested(256)));
  EXPECT_FALSE(IsJson(Nested(257)));
  for (const char* text : {"", "no json", "1 2", "{\"a\":1", "\"\xff\"", "\"\\ud800\""}) {
    EXPECT_FALSE(IsJson(text)) << text;
  }
}

TEST(StrictJson, GivesTheTextOfAMember) {
  const std::string object =
      R"( {"x":{"payload":1},"s":"\"payload\":2","payload" : [1.50, {"a":"}"}] ,"z":3} )";
  EXPECT_EQ(MemberText(object, "payload"), R"([1.50, {"a":"}"}])");
  EXPECT_EQ(MemberText(object, "s"), R"("\"payload\":2")");
  EXPECT_EQ(MemberText(object, "z"), "3");
  EXPECT_EQ(MemberText(object, "a"), std::nullopt);
  EXPECT_EQ(MemberText(R"({"\u0070ayload":1})", "payload"), "1");
  EXPECT_EQ(MemberText(R"({"\"":1,"\\":2})", "\\"), "2");
  EXPECT_EQ(MemberText("{}", "payload"), std::nullopt);
}

TEST(StrictJson, WritesStringsThatReadBackAsTheyWere) {
  std::string text = "a\"b\\c/\n\r\t\b\f";
  for (char c = 1; c < 32; ++c) text += c;
  text += std::string("\0", 1) + "\x7f\xc3\xa9\xf0\x9f\x98\x80";
  std::string out;
  AppendJsonString(out, text);
  EXPECT_EQ(boost::json::parse(out).as_string(), boost::json::string_view(text));
  out.clear();
  AppendJsonString(out, "a\"\\\n\x01");
  EXPECT_EQ(out, R"("a\"\\\n\u0001")");
}

}  // namespace
}  // namespace ackwire
