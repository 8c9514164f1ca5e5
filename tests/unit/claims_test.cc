#include "delivery/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/token_refusal.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t kClaimsSeconds = 1'795'305'600;
constexpr Timestamp kClaimsTime = FromUnixMs(kClaimsSeconds * 1000);

// Members beside `sub` and an `exp` in an hour.
std::string ClaimsPayload(const std::string& members) {
  return R"({"sub":"alice","exp":)" + std::to_string(kClaimsSeconds + 3600) +
         (members.empty() ? "" : ",") + members + "}";
}

Claims ClaimsIn(const std::string& payload, const TokenRules& rules = {}) {
  const auto claims = ReadClaims(payload, rules, kClaimsTime);
  EXPECT_TRUE(claims.ok()) << payload << claims.status();
  return claims.value_or(Claims());
}

std::string WhyNoClaims(const std::string& payload, const TokenRules& rules = {}) {
  const auto claims = ReadClaims(payload, rules, kClaimsTime);
  EXPECT_FALSE(claims.ok()) << payload;
  EXPECT_EQ(claims.status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(MessageOf(claims.status()), "a valid token is required");
  EXPECT_FALSE(IsTokenExpired(claims.status()));
  return TokenReasonOf(claims.status());
}

bool ClaimsExpired(const std::string& payload, const TokenRules& rules = {}) {
  return IsTokenExpired(ReadClaims(payload, rules, kClaimsTime).status());
}

std::string SubWithExp(const std::string& exp) { return R"({"sub":"alice","exp":)" + exp + "}"; }
std::string SubWithExp(std::int64_t exp) { return SubWithExp(std::to_string(exp)); }

TEST(Claims, SayWhoMayDoWhat) {
  const Claims claims = ClaimsIn(ClaimsPayload(
      R"("ackwire":{"subscribe":["room/*","news"],"publish":["room/1"],"publishAs":true,)"
      R"("admin":true})"));
  EXPECT_EQ(claims.user, "alice");
  EXPECT_THAT(claims.subscribe, ElementsAre("room/*", "news"));
  EXPECT_THAT(claims.publish, ElementsAre("room/1"));
  EXPECT_TRUE(claims.publish_as);
  EXPECT_TRUE(claims.admin);
  EXPECT_EQ(claims.expires_at, kClaimsTime + Duration(3'660'000));
}

TEST(Claims, AllowNothingThatTheyDoNotSay) {
  for (const char* members : {"", R"("ackwire":{})", R"("ackwire":{"subscribe":[]})",
                              R"("ackwire":{"publishAs":false,"admin":false,"new":7})"}) {
    const Claims claims = ClaimsIn(ClaimsPayload(members));
    EXPECT_THAT(claims.subscribe, IsEmpty());
    EXPECT_THAT(claims.publish, IsEmpty());
    EXPECT_FALSE(claims.MaySubscribe("room/1"));
    EXPECT_FALSE(claims.MayPublish("room/1"));
    EXPECT_FALSE(claims.publish_as);
    EXPECT_FALSE(claims.admin);
  }
}

TEST(Claims, KeepSubscribingAndPublishingApart) {
  const Claims claims = ClaimsIn(ClaimsPayload(R"("ackwire":{"subscribe":["a"],"publish":["b"]})"));
  EXPECT_TRUE(claims.MaySubscribe("a"));
  EXPECT_FALSE(claims.MayPublish("a"));
  EXPECT_TRUE(claims.MayPublish("b"));
  EXPECT_FALSE(claims.MaySubscribe("b"));
}

TEST(Claims, FitAChannelByItsNameOrItsBeginning) {
  const auto fits = [](const char* pattern, const char* channel) {
    return Claims{.subscribe = {pattern}}.MaySubscribe(channel);
  };
  EXPECT_TRUE(fits("room/1", "room/1"));
  EXPECT_FALSE(fits("room/1", "room/12"));
  EXPECT_FALSE(fits("room/1", "room/"));
  EXPECT_FALSE(fits("room/1", "Room/1"));
  EXPECT_TRUE(fits("room/*", "room/1"));
  EXPECT_TRUE(fits("room/*", "room/1/2"));
  EXPECT_TRUE(fits("room/*", "room/"));
  EXPECT_FALSE(fits("room/*", "room"));
  EXPECT_FALSE(fits("room/*", "rooms/1"));
  EXPECT_TRUE(fits("room*", "rooms"));
  EXPECT_TRUE(fits("*", "anything"));
}

TEST(Claims, KnowTheUsersOwnClients) {
  const Claims claims{.user = "alice"};
  EXPECT_TRUE(claims.IsUserOf("alice"));
  EXPECT_TRUE(claims.IsUserOf("alice/phone"));
  EXPECT_FALSE(claims.IsUserOf("alicex"));
  EXPECT_FALSE(claims.IsUserOf("alicex/phone"));
  EXPECT_FALSE(claims.IsUserOf("alic"));
  EXPECT_FALSE(claims.IsUserOf("bob/alice"));
  EXPECT_FALSE(claims.IsUserOf("/alice"));
  EXPECT_FALSE(claims.IsUserOf(""));
}

TEST(Claims, GiveAnAdminNoChannel) {
  const Claims claims{.user = "alice", .admin = true};
  EXPECT_FALSE(claims.MaySubscribe("room/1"));
  EXPECT_FALSE(claims.MayPublish("room/1"));
  EXPECT_FALSE(claims.IsUserOf("bob"));
}

TEST(Claims, RefuseAPayloadThatIsNone) {
  EXPECT_EQ(WhyNoClaims(""), "payload: no JSON object");
  EXPECT_EQ(WhyNoClaims("[]"), "payload: no JSON object");
  EXPECT_EQ(WhyNoClaims("\xff"), "payload: no JSON object");
  EXPECT_EQ(WhyNoClaims(ClaimsPayload(R"("sub":"bob")")), "payload: no JSON object");
  EXPECT_EQ(WhyNoClaims(ClaimsPayload(R"("ackwire":{"admin":false,"admin":true})")),
            "payload: no JSON object");
  EXPECT_EQ(WhyNoClaims(ClaimsPayload(R"("a":"\ud800")")), "payload: no JSON object");
  EXPECT_EQ(WhyNoClaims(ClaimsPayload("\"a\":" + std::string(40, '[') + std::string(40, ']'))),
            "payload: no JSON object");
}

TEST(Claims, RefuseAUserThatIsNone) {
  const auto sub = [](const std::string& value) {
    return R"({"exp":)" + std::to_string(kClaimsSeconds + 3600) + R"(,"sub":)" + value + "}";
  };
  EXPECT_EQ(WhyNoClaims(R"({"exp":9999999999})"), "sub: none");
  EXPECT_EQ(WhyNoClaims(sub("7")), "sub: none");
  EXPECT_EQ(WhyNoClaims(sub("null")), "sub: none");
  for (const char* name : {R"("")", R"("alice/phone")", R"("/alice")", R"("alice/")", R"("a b")",
                           R"("a\n")", R"("a*")", R"("a\u0000b")"}) {
    EXPECT_EQ(WhyNoClaims(sub(name)), "sub: no name of a user") << name;
  }
  EXPECT_EQ(WhyNoClaims(sub("\"" + std::string(256, 'a') + "\"")), "sub: no name of a user");
  EXPECT_EQ(ClaimsIn(sub(R"("auth0|5f7c")")).user, "auth0|5f7c");
  EXPECT_EQ(ClaimsIn(sub(R"("zo\u00eb")")).user, "zoë");
}

TEST(Claims, RefuseRightsOfAWrongKind) {
  const auto rights = [](const std::string& value) {
    return ClaimsPayload(R"("ackwire":)" + value);
  };
  EXPECT_EQ(WhyNoClaims(rights("null")), "ackwire: no object");
  EXPECT_EQ(WhyNoClaims(rights("[]")), "ackwire: no object");
  EXPECT_EQ(WhyNoClaims(rights(R"({"subscribe":"*"})")), "ackwire: channels are no array");
  EXPECT_EQ(WhyNoClaims(rights(R"({"publish":{}})")), "ackwire: channels are no array");
  for (const char* pattern :
       {"7", R"("")", R"("*a")", R"("a*b")", R"("**")", R"("a**")", R"("a b*")", R"("a\n")"}) {
    EXPECT_EQ(WhyNoClaims(rights(std::string(R"({"subscribe":["a",)") + pattern + "]}")),
              "ackwire: no pattern of channels");
    EXPECT_EQ(WhyNoClaims(rights(std::string(R"({"publish":["a",)") + pattern + "]}")),
              "ackwire: no pattern of channels");
  }
  for (const char* flag : {"1", R"("true")", "null"}) {
    EXPECT_EQ(WhyNoClaims(rights(std::string(R"({"admin":)") + flag + "}")),
              "ackwire: neither true nor false");
    EXPECT_EQ(WhyNoClaims(rights(std::string(R"({"publishAs":)") + flag + "}")),
              "ackwire: neither true nor false");
  }
}

TEST(Claims, AreExpiredOnceTheClockSkewHasPassed) {
  EXPECT_EQ(ClaimsIn(SubWithExp(kClaimsSeconds - 59)).expires_at, kClaimsTime + Duration(1'000));
  EXPECT_TRUE(ClaimsExpired(SubWithExp(kClaimsSeconds - 60)));
  EXPECT_TRUE(ClaimsExpired(SubWithExp(0)));
  const auto status = ReadClaims(SubWithExp(0), {}, kClaimsTime).status();
  EXPECT_EQ(status.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(MessageOf(status), "the token has expired");
}

TEST(Claims, TakeDatesWithFractions) {
  EXPECT_EQ(ClaimsIn(SubWithExp(std::to_string(kClaimsSeconds) + ".5")).expires_at,
            kClaimsTime + Duration(60'500));
  EXPECT_EQ(ClaimsIn(SubWithExp("1.7953056e9")).expires_at, kClaimsTime + Duration(60'000));
}

TEST(Claims, RefuseATokenWithoutEnd) {
  EXPECT_EQ(WhyNoClaims(R"({"sub":"alice"})"), "exp: none");
  for (const char* exp : {"null", R"("9999999999")", "-1", "1795305600000", "18446744073709551615",
                          "1e300", "[]", "true"}) {
    EXPECT_EQ(WhyNoClaims(SubWithExp(exp)), "exp: no date") << exp;
  }
}

TEST(Claims, RefuseATokenThatIsNotYetGood) {
  const auto nbf = [](std::int64_t seconds) {
    return ClaimsPayload("\"nbf\":" + std::to_string(seconds));
  };
  EXPECT_EQ(WhyNoClaims(nbf(kClaimsSeconds + 61)), "nbf: in the future");
  EXPECT_EQ(ClaimsIn(nbf(kClaimsSeconds + 60)).user, "alice");
  EXPECT_EQ(ClaimsIn(nbf(0)).user, "alice");
  EXPECT_EQ(WhyNoClaims(ClaimsPayload(R"("nbf":"0")")), "nbf: no date");
  EXPECT_EQ(WhyNoClaims(ClaimsPayload(R"("nbf":1e300)")), "nbf: no date");
}

TEST(Claims, RefuseAnotherAudience) {
  const TokenRules rules{.audience = "ackwire"};
  EXPECT_EQ(ClaimsIn(ClaimsPayload(R"("aud":"ackwire")"), rules).user, "alice");
  EXPECT_EQ(ClaimsIn(ClaimsPayload(R"("aud":["other","ackwire"])"), rules).user, "alice");
  for (const char* members : {"", R"("aud":"other")", R"("aud":"ackwire2")", R"("aud":"Ackwire")",
                              R"("aud":[])", R"("aud":["other"])", R"("aud":{"ackwire":1})",
                              R"("aud":[["ackwire"]])", R"("aud":null)"}) {
    EXPECT_EQ(WhyNoClaims(ClaimsPayload(members), rules), "aud: not the one asked for") << members;
  }
  EXPECT_EQ(ClaimsIn(ClaimsPayload(R"("aud":"other")")).user, "alice");
}

TEST(Claims, RefuseAnotherIssuer) {
  const TokenRules rules{.issuer = "https://id.example.com/"};
  EXPECT_EQ(ClaimsIn(ClaimsPayload(R"("iss":"https://id.example.com/")"), rules).user, "alice");
  for (const char* members : {"", R"("iss":"https://id.example.com")", R"("iss":"")",
                              R"("iss":["https://id.example.com/"])", R"("iss":null)"}) {
    EXPECT_EQ(WhyNoClaims(ClaimsPayload(members), rules), "iss: not the one asked for") << members;
  }
}

TEST(Claims, TellExpiryApartOnlyWhereAllElseIsGood) {
  const std::string exp = R"("exp":1,"sub":)";
  EXPECT_TRUE(ClaimsExpired("{" + exp + R"("alice"})"));
  EXPECT_FALSE(ClaimsExpired("{" + exp + R"("alice/phone"})"));
  EXPECT_FALSE(ClaimsExpired("{" + exp + R"("alice"})", {.audience = "ackwire"}));
  EXPECT_FALSE(ClaimsExpired("{" + exp + R"("alice"})", {.issuer = "x"}));
  EXPECT_FALSE(ClaimsExpired("{" + exp + R"("alice","nbf":9999999999})"));
  EXPECT_FALSE(ClaimsExpired("{" + exp + R"("alice","ackwire":[]})"));
}

TEST(Claims, SayNothingOfThePayloadWhenRefused) {
  for (const char* payload :
       {R"({"sub":"PLANTED x","exp":9999999999})", R"({"PLANTED":1,"PLANTED":1})",
        R"({"sub":"a","exp":"PLANTED"})", R"({"sub":"PLANTED","exp":1})",
        R"({"sub":"a","exp":9999999999,"ackwire":{"publish":["PLANTED x"]}})"}) {
    EXPECT_THAT(ReadClaims(payload, {}, kClaimsTime).status().ToString(),
                Not(HasSubstr("PLANTED")));
  }
}

}  // namespace
}  // namespace ackwire
