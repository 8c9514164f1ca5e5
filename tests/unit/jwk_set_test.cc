#include "delivery/jwk_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/unit/token_issuer.h"

namespace ackwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr char kRsaOfRfc7517[] =
    R"({"kty":"RSA","n":")"
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
    "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ"
    "R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF"
    "TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    R"(","e":"AQAB","alg":"RS256","kid":"2011-04-29"})";

// A set of the one key.
StatusOr<std::shared_ptr<const JwkSet>> ParseJwk(const std::string& jwk) {
  return JwkSet::Parse(JwkSetOf({jwk}));
}

std::string WhyNoJwkSet(const std::string& text) {
  const auto set = JwkSet::Parse(text);
  EXPECT_FALSE(set.ok()) << text;
  EXPECT_EQ(set.status().code(), StatusCode::kInvalidArgument);
  return MessageOf(set.status());
}

std::string WhyNoJwk(const std::string& jwk) { return WhyNoJwkSet(JwkSetOf({jwk})); }

// The object `jwk` with one more member, or one in the place of another.
std::string WithMember(const std::string& jwk, const std::string& member) {
  return "{" + member + "," + jwk.substr(1);
}
std::string WithPart(std::string jwk, const std::string& what, const std::string& by) {
  const std::size_t at = jwk.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return jwk.replace(at, what.size(), by);
}

const std::string& OctJwk() { return TokenIssuer::Hs256().nameless_jwk(); }
const std::string& RsaJwk() { return TokenIssuer::Rs256().nameless_jwk(); }
const std::string& EcJwk() { return TokenIssuer::Es256().nameless_jwk(); }
const std::string& OkpJwk() { return TokenIssuer::EdDsa().nameless_jwk(); }

TEST(JwkSet, TakesTheFourKindsOfKey) {
  const auto set = JwkSet::Parse(JwkSetOfAll());
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->size(), 4U);
  EXPECT_THAT((*set)->skipped(), IsEmpty());
  for (const TokenIssuer* issuer : TokenIssuer::All()) {
    const VerificationKey* key = (*set)->Find(issuer->kid());
    ASSERT_NE(key, nullptr) << issuer->kid();
    EXPECT_EQ(key->algorithm(), issuer->alg());
  }
}

TEST(JwkSet, TakesTheSignatureKeyOfRfc7517AndSkipsTheEncryptionKey) {
  const auto set = JwkSet::Parse(
      JwkSetOf({R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"})",
                kRsaOfRfc7517}));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT((*set)->skipped(), ElementsAre("keys[0].use: is not sig"));
  EXPECT_EQ((*set)->Find("1"), nullptr);
  ASSERT_NE((*set)->Find("2011-04-29"), nullptr);
  EXPECT_EQ((*set)->Find("2011-04-29")->algorithm(), "RS256");
}

TEST(JwkSet, RefusesThePrivateKeysOfRfc7517) {
  EXPECT_EQ(
      WhyNoJwk(R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
               R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",)"
               R"("d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"enc","kid":"1"})"),
      "keys[0].d: is a private part; give the public key alone");
}

TEST(JwkSet, TakesTheMacKeyOfRfc7517AndSkipsTheWrappingKey) {
  const auto set = JwkSet::Parse(JwkSetOf(
      {R"({"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"})",
       WithMember(OctJwk(), R"("kid":"HMAC key used in JWS spec Appendix A.1 example")")}));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT((*set)->skipped(), ElementsAre("keys[0].alg: is not HS256, the one for kty oct"));
  EXPECT_NE((*set)->Find("HMAC key used in JWS spec Appendix A.1 example"), nullptr);
}

TEST(JwkSet, FindsTheOnlyKeyWithoutAKid) {
  const auto set = ParseJwk(EcJwk());
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_NE((*set)->Find(std::nullopt), nullptr);
  EXPECT_EQ((*set)->Find(""), nullptr);
  EXPECT_EQ((*set)->Find("ec"), nullptr);
}

TEST(JwkSet, FindsNoneOfSeveralWithoutAKid) {
  const auto set = JwkSet::Parse(JwkSetOfAll());
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->Find(std::nullopt), nullptr);
}

TEST(JwkSet, SkipsWhatItHasNoUseFor) {
  const std::string sig = WithMember(EcJwk(), R"("kid":"good")");
  const auto set = JwkSet::Parse(
      JwkSetOf({R"({"kty":"AKP","alg":"ML-DSA-44"})", WithPart(EcJwk(), "P-256", "P-384"),
                WithPart(OkpJwk(), "Ed25519", "Ed448"), WithMember(RsaJwk(), R"("alg":"PS256")"),
                WithMember(RsaJwk(), R"("alg":"HS256")"),
                WithMember(OctJwk(), R"("key_ops":["sign"])"), sig}));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->size(), 1U);
  EXPECT_THAT(
      (*set)->skipped(),
      ElementsAre("keys[0].kty: is not oct, RSA, EC or OKP", "keys[1].crv: is not P-256",
                  "keys[2].crv: is not Ed25519", "keys[3].alg: is not RS256, the one for kty RSA",
                  "keys[4].alg: is not RS256, the one for kty RSA",
                  "keys[5].key_ops: has no verify"));
}

TEST(JwkSet, TakesAKeyThatSaysWhatItIsFor) {
  EXPECT_TRUE(
      ParseJwk(WithMember(RsaJwk(), R"("use":"sig","alg":"RS256","key_ops":["verify"])")).ok());
  EXPECT_TRUE(ParseJwk(WithMember(OctJwk(), R"("key_ops":["sign","verify"])")).ok());
  EXPECT_TRUE(ParseJwk(WithMember(OkpJwk(), R"("alg":"EdDSA")")).ok());
  EXPECT_TRUE(ParseJwk(WithMember(EcJwk(), R"("x5t":"AAAA","x5c":["AAAA"],"new":{})")).ok());
}

TEST(JwkSet, RefusesASetWithoutAUsableKey) {
  EXPECT_EQ(WhyNoJwkSet(R"({"keys":[]})"), "keys: there is none that a token can be verified with");
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), R"("use":"enc")")),
            "keys: there is none that a token can be verified with; keys[0].use: is not sig");
}

TEST(JwkSet, RefusesWhatIsNoSet) {
  EXPECT_THAT(WhyNoJwkSet(""), StartsWith("JWK set: must be valid JSON"));
  EXPECT_THAT(WhyNoJwkSet("[]"), HasSubstr("must be an object with an array \"keys\""));
  EXPECT_THAT(WhyNoJwkSet(EcJwk()), HasSubstr("must be an object with an array \"keys\""));
  EXPECT_THAT(WhyNoJwkSet(R"({"keys":{}})"), HasSubstr("must be an object with an array \"keys\""));
  EXPECT_EQ(WhyNoJwkSet(R"({"keys":["x"]})"), "keys[0]: must be an object");
  EXPECT_EQ(WhyNoJwk(R"({"k":"x"})"), "keys[0].kty: must be given");
  EXPECT_EQ(WhyNoJwk(R"({"kty":1})"), "keys[0].kty: must be a string");
  EXPECT_THAT(WhyNoJwk(WithMember(OctJwk(), R"("kty":"RSA")")), HasSubstr("stands twice"));
}

TEST(JwkSet, RefusesOneThatIsTooLarge) {
  EXPECT_EQ(WhyNoJwkSet(std::string(kJwkSetBytesMax + 1, ' ')), "JWK set: is larger than 1 MiB");
  EXPECT_TRUE(JwkSet::Parse(JwkSetOf({EcJwk()}) + std::string(kJwkSetBytesMax - 1000, ' ')).ok());
  EXPECT_EQ(WhyNoJwkSet(JwkSetOf(std::vector<std::string>(101, "{}"))),
            "keys: must be at most 100, are 101");
}

TEST(JwkSet, RefusesKidsThatDoNotTellKeysApart) {
  const std::string a = WithMember(EcJwk(), R"("kid":"a")");
  const std::string b = WithMember(OkpJwk(), R"("kid":"b")");
  EXPECT_EQ(WhyNoJwkSet(JwkSetOf({R"({"kty":"?"})", a, b, WithMember(RsaJwk(), R"("kid":"a")")})),
            "keys[3].kid: is that of keys[1] too");
  EXPECT_EQ(WhyNoJwkSet(JwkSetOf({a, OkpJwk()})),
            "keys[1].kid: must be given, as there are several keys to choose from");
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), R"("kid":"")")), "keys[0].kid: must have 1 to 255 bytes");
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), "\"kid\":\"" + std::string(256, 'k') + "\"")),
            "keys[0].kid: must have 1 to 255 bytes");
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), R"("kid":7)")), "keys[0].kid: must be a string");
  EXPECT_TRUE(ParseJwk(WithMember(EcJwk(), "\"kid\":\"" + std::string(255, 'k') + "\"")).ok());
}

TEST(JwkSet, RefusesFieldsOfAWrongKind) {
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), R"("use":1)")), "keys[0].use: must be a string");
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), R"("alg":null)")), "keys[0].alg: must be a string");
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), R"("key_ops":"verify")")),
            "keys[0].key_ops: must be an array of strings");
  EXPECT_EQ(WhyNoJwk(WithMember(EcJwk(), R"("key_ops":["verify",1])")),
            "keys[0].key_ops: must be an array of strings");
}

TEST(JwkSet, RefusesEveryPrivatePart) {
  for (const char* part : {"d", "p", "q", "dp", "dq", "qi", "oth"}) {
    const std::string member = "\"" + std::string(part) + R"(":"SECRETPART")";
    for (const std::string& jwk : {RsaJwk(), EcJwk(), OkpJwk()}) {
      const std::string refusal = WhyNoJwk(WithMember(jwk, member));
      EXPECT_THAT(refusal, StartsWith("keys[0]." + std::string(part) + ": is a private part"));
      EXPECT_THAT(refusal, Not(HasSubstr("SECRETPART")));
    }
  }
}

TEST(JwkSet, RefusesAShortSecret) {
  const auto oct = [](std::size_t bytes) {
    return R"({"kty":"oct","k":")" + EncodeBase64Url(std::string(bytes, 'k')) + "\"}";
  };
  EXPECT_EQ(WhyNoJwk(oct(31)), "keys[0].k: must have at least 32 bytes, has 31");
  EXPECT_TRUE(ParseJwk(oct(32)).ok());
}

TEST(JwkSet, RefusesAnRsaKeyThatIsWeakOrNone) {
  const auto rsa = [](const std::string& n, const std::string& e) {
    return R"({"kty":"RSA","n":")" + EncodeBase64Url(n) + R"(","e":")" + EncodeBase64Url(e) + "\"}";
  };
  const std::string exponent("\x01\x00\x01", 3);
  const auto modulus = [](std::size_t bytes) { return std::string(bytes, '\xff'); };
  EXPECT_EQ(WhyNoJwk(rsa(modulus(128), exponent)),
            "keys[0].n: must have 2048 to 8192 bits, has 1024");
  EXPECT_EQ(WhyNoJwk(rsa('\x7f' + modulus(255), exponent)),
            "keys[0].n: must have 2048 to 8192 bits, has 2047");
  EXPECT_EQ(WhyNoJwk(rsa(modulus(1025), exponent)),
            "keys[0].n: must have 2048 to 8192 bits, has 8200");
  EXPECT_EQ(WhyNoJwk(rsa(modulus(255) + '\xfe', exponent)), "keys[0].n: must be odd");
  EXPECT_TRUE(ParseJwk(rsa(modulus(256), exponent)).ok());
  for (const std::string& e : {std::string("\x01"), std::string("\x02"), std::string(1, '\0'),
                               std::string("\x01\x00\x00", 3), std::string("\x01\0\0\0\1", 5)}) {
    EXPECT_EQ(WhyNoJwk(rsa(modulus(256), e)), "keys[0].e: must be odd, from 3 to 4294967295");
  }
  EXPECT_TRUE(ParseJwk(rsa(modulus(256), "\x03")).ok());
}

TEST(JwkSet, RefusesAPointThatIsNotOnTheCurve) {
  const std::string off = EncodeBase64Url(std::string(31, '\0') + '\x05');
  EXPECT_EQ(WhyNoJwk(WithPart(EcJwk(), "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", off)),
            "keys[0].x: is with y no point on P-256");
  // The modulus of the field, instead of zero.
  EXPECT_EQ(WhyNoJwk(WithPart(EcJwk(), "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                              "_____wAAAAEAAAAAAAAAAAAAAAD_______________8")),
            "keys[0].x: is with y no point on P-256");
  EXPECT_EQ(WhyNoJwk(WithPart(EcJwk(), "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "AAAA")),
            "keys[0].y: must have 32 bytes, has 3");
  EXPECT_EQ(WhyNoJwk(WithPart(OkpJwk(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "AAAA")),
            "keys[0].x: must have 32 bytes, has 3");
}

TEST(JwkSet, RefusesPartsThatAreMissingOrNoBase64Url) {
  EXPECT_EQ(WhyNoJwk(R"({"kty":"oct"})"), "keys[0].k: must be given");
  EXPECT_EQ(WhyNoJwk(R"({"kty":"RSA","n":"AQAB"})"), "keys[0].e: must be given");
  EXPECT_EQ(WhyNoJwk(R"({"kty":"EC","x":"AQAB","y":"AQAB"})"), "keys[0].crv: must be given");
  EXPECT_EQ(WhyNoJwk(R"({"kty":"oct","k":7})"), "keys[0].k: must be a string");
  for (const char* k : {"", "A", "AAA=", "A+/A", "AAAB\\n"}) {
    EXPECT_EQ(WhyNoJwk(std::string(R"({"kty":"oct","k":")") + k + "\"}"),
              "keys[0].k: must be base64url without padding");
  }
}

TEST(JwkSet, LeavesNoErrorOfOpenSslBehind) {
  ERR_clear_error();
  static_cast<void>(WhyNoJwk(WithPart(EcJwk(), "f83O", "AAAA")));
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

}  // namespace
}  // namespace ackwire
