#include "delivery/http_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

HttpTarget Parsed(std::string_view target) {
  const StatusOr<HttpTarget> parsed = ParseTarget(target);
  EXPECT_TRUE(parsed.ok()) << target << ": " << parsed.status();
  return parsed.ok() ? *parsed : HttpTarget();
}

std::string Refusal(std::string_view target) {
  const StatusOr<HttpTarget> parsed = ParseTarget(target);
  EXPECT_FALSE(parsed.ok()) << target;
  return MessageOf(parsed.status());
}

TEST(HttpTarget, IsSplitBeforeItIsDecoded) {
  EXPECT_THAT(Parsed("/v1/channels/room%2F1%3f%25/messages").segments,
              ElementsAre("v1", "channels", "room/1?%", "messages"));
  EXPECT_THAT(Parsed("/a+b;c:d/%C3%bc").segments, ElementsAre("a+b;c:d", "\xc3\xbc"));
  EXPECT_THAT(Parsed("/").segments, ElementsAre(""));
  EXPECT_THAT(Parsed("/a//").segments, ElementsAre("a", "", ""));
}

TEST(HttpTarget, HasTheParametersOfTheQuery) {
  const HttpTarget target = Parsed("/a?from=5&sender=a%26b%3D+c&empty=&bare&&#fragment=1");
  EXPECT_THAT(target.segments, ElementsAre("a"));
  EXPECT_THAT(target.query, ElementsAre(Pair("bare", ""), Pair("empty", ""), Pair("from", "5"),
                                        Pair("sender", "a&b=+c")));
  EXPECT_TRUE(Parsed("/?").query.empty());
  EXPECT_THAT(Refusal("/a?x=1&x=1"), HasSubstr("\"x\" is given twice"));
}

TEST(HttpTarget, RefusesABadPercentEncoding) {
  for (const char* target : {"/a%", "/a%2", "/a%ZZ", "/a%2g", "/%%30"}) {
    EXPECT_THAT(Refusal(target), StartsWith("path: `%`")) << target;
  }
  EXPECT_THAT(Refusal("/a?b=%x1"), StartsWith("query: `%`"));
  EXPECT_THAT(Refusal("/a?%=1"), StartsWith("query: `%`"));
}

TEST(HttpTarget, BeginsWithASlash) {
  for (const char* target : {"", "a", "*", "http://host/a", "?x", "#/a"}) {
    EXPECT_EQ(Refusal(target), "path: must begin with `/`") << target;
  }
}

TEST(HttpTarget, NamesAChannelOrAMessage) {
  const auto of = [](const char* target) { return MessagesPathOf(Parsed(target)); };
  ASSERT_TRUE(of("/v1/channels/room%2F1/messages"));
  EXPECT_EQ(of("/v1/channels/room%2F1/messages")->channel, "room/1");
  EXPECT_EQ(of("/v1/channels/room%2F1/messages")->seq, std::nullopt);
  EXPECT_EQ(of("/v1/channels/c/messages/42")->seq, "42");
  EXPECT_EQ(of("/v1/channels/c/messages/")->seq, "");
  EXPECT_FALSE(of("/v1/channels/c/messages/42")->receipts);
  EXPECT_EQ(of("/v1/channels/c/messages/42/receipts")->seq, "42");
  EXPECT_TRUE(of("/v1/channels/c/messages/42/receipts")->receipts);
  for (const char* other :
       {"/", "/v1", "/v1/channels/c", "/v1/channels/a/b/messages", "/v2/channels/c/messages",
        "/v1/channels/c/messages/1/readers", "/v1/channels/c/messages/1/receipts/"}) {
    EXPECT_FALSE(of(other)) << other;
  }
}

TEST(HttpTarget, TakesWholeNumbersOfDigitsAlone) {
  EXPECT_EQ(ParseSeq("18446744073709551615").value(), Seq{18446744073709551615U});
  for (const char* text : {"", "0", "-1", "+1", " 1", "1 ", "1.5", "0x1", "abc",
                           "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_FALSE(ParseSeq(text).ok()) << text;
  }
  EXPECT_EQ(MessageOf(ParseSeq("abc").status()), "seq: must be a whole number from 1, got \"abc\"");
  EXPECT_EQ(MessageOf(ParseWhole("limit", "1001", {1, 1000}).status()),
            "limit: must be a whole number from 1 to 1000, got \"1001\"");
}

}  // namespace
}  // namespace ackwire
