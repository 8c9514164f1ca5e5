#include "delivery/jws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "delivery/base64url.h"
#include "delivery/token_refusal.h"
#include "tests/unit/token_issuer.h"

namespace ackwire {
namespace {

using testing::HasSubstr;
using testing::Not;

using JwsKeys = std::shared_ptr<const JwkSet>;

JwsKeys JwsKeysIn(const std::string& text) {
  auto set = JwkSet::Parse(text);
  EXPECT_TRUE(set.ok()) << set.status();
  return *std::move(set);
}
JwsKeys JwsKeyOf(const TokenIssuer& issuer) { return JwsKeysIn(JwkSetOf({issuer.jwk()})); }
JwsKeys NamelessJwsKeyOf(const TokenIssuer& issuer) {
  return JwsKeysIn(JwkSetOf({issuer.nameless_jwk()}));
}

std::string OpenedJws(const std::string& token, const JwsKeys& keys) {
  const auto payload = OpenJws(token, *keys);
  EXPECT_TRUE(payload.ok()) << payload.status();
  return payload.value_or("");
}

// The reason, which is for the log; what a caller hears is the same for all.
std::string WhyNoJws(const std::string& token, const JwsKeys& keys) {
  const auto payload = OpenJws(token, *keys);
  EXPECT_FALSE(payload.ok()) << token;
  EXPECT_EQ(payload.status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(MessageOf(payload.status()), "a valid token is required");
  EXPECT_FALSE(IsTokenExpired(payload.status()));
  EXPECT_EQ(ERR_peek_error(), 0UL) << "OpenSSL's errors are left behind";
  return TokenReasonOf(payload.status());
}

constexpr char kJwsPayload[] = R"({"sub":"alice"})";

// By a good signature of that issuer, with this header.
std::string WhyNoJwsHeader(const TokenIssuer& issuer, const std::string& header) {
  return WhyNoJws(issuer.Issue({.header = header, .payload = kJwsPayload}), JwsKeyOf(issuer));
}

std::string HmacToken(const std::string& secret, const std::string& header) {
  const std::string text = EncodeBase64Url(header) + "." + EncodeBase64Url(kJwsPayload);
  std::string digest(32, '\0');
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return text + "." + EncodeBase64Url(digest);
}

constexpr char kPayloadOfRfc7515[] =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
const std::string kEncodedPayloadOfRfc7515 =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";

TEST(Jws, OpensTheHs256ExampleOfRfc7515) {
  EXPECT_EQ(OpenedJws("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + kEncodedPayloadOfRfc7515 +
                          ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                      NamelessJwsKeyOf(TokenIssuer::Hs256())),
            kPayloadOfRfc7515);
}

TEST(Jws, OpensTheRs256ExampleOfRfc7515) {
  EXPECT_EQ(
      OpenedJws(
          "eyJhbGciOiJSUzI1NiJ9." + kEncodedPayloadOfRfc7515 +
              ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF"
              "5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6"
              "xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6"
              "BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_Io"
              "ypGlUPQGe77Rw",
          NamelessJwsKeyOf(TokenIssuer::Rs256())),
      kPayloadOfRfc7515);
}

TEST(Jws, OpensTheEs256ExampleOfRfc7515) {
  EXPECT_EQ(
      OpenedJws(
          "eyJhbGciOiJFUzI1NiJ9." + kEncodedPayloadOfRfc7515 +
              ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K"
              "g6NU1Q",
          NamelessJwsKeyOf(TokenIssuer::Es256())),
      kPayloadOfRfc7515);
}

TEST(Jws, OpensTheEdDsaExampleOfRfc8037) {
  EXPECT_EQ(
      OpenedJws("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
                ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
                "MuM0KAg",
                NamelessJwsKeyOf(TokenIssuer::EdDsa())),
      "Example of Ed25519 signing");
}

TEST(Jws, ChoosesTheKeyByKid) {
  const JwsKeys keys = JwsKeysIn(JwkSetOfAll());
  for (const TokenIssuer* issuer : TokenIssuer::All()) {
    EXPECT_EQ(OpenedJws(issuer->Issue(kJwsPayload), keys), kJwsPayload);
  }
}

TEST(Jws, IgnoresWhatItDoesNotKnowInAHeader) {
  const TokenIssuer& issuer = TokenIssuer::Es256();
  const std::string header =
      R"({"typ":"at+jwt","x5t":"AAAA","cty":"x","new":{"a":[1]},"alg":"ES256","kid":"es256"})";
  EXPECT_EQ(OpenedJws(issuer.Issue({.header = header, .payload = kJwsPayload}), JwsKeyOf(issuer)),
            kJwsPayload);
}

TEST(Jws, RefusesWhatIsNoToken) {
  const JwsKeys keys = JwsKeyOf(TokenIssuer::Es256());
  for (const char* text : {"", "x", "a.b", "eyJhbGciOiJFUzI1NiJ9"}) {
    EXPECT_EQ(WhyNoJws(text, keys), "not three parts") << text;
  }
  EXPECT_EQ(WhyNoJws("a.b.c", keys), "header: not base64url");
  EXPECT_EQ(WhyNoJws("..", keys), "header: no JSON object");
  const std::string good = TokenIssuer::Es256().Issue(kJwsPayload);
  EXPECT_EQ(WhyNoJws(good + ".x", keys), "signature: not by the key");
  EXPECT_EQ(WhyNoJws(good + ".", keys), "signature: not by the key");
  EXPECT_EQ(WhyNoJws(good + "=", keys), "signature: not by the key");
  EXPECT_EQ(WhyNoJws(good + "\n", keys), "signature: not by the key");
  EXPECT_EQ(WhyNoJws("Bearer " + good, keys), "header: not base64url");
  EXPECT_EQ(WhyNoJws(" " + good, keys), "header: not base64url");
}

TEST(Jws, RefusesATokenThatIsTooLong) {
  const TokenIssuer& issuer = TokenIssuer::Hs256();
  const auto token = [&](std::size_t payload) { return issuer.Issue(std::string(payload, ' ')); };
  std::size_t size = 1;
  while (token(size + 1).size() <= kTokenBytesMax) ++size;
  EXPECT_EQ(OpenedJws(token(size), JwsKeyOf(issuer)), std::string(size, ' '));
  EXPECT_EQ(WhyNoJws(token(size + 1), JwsKeyOf(issuer)), "longer than 8 KiB");
}

TEST(Jws, RefusesNone) {
  const std::string payload = EncodeBase64Url(kJwsPayload);
  for (const TokenIssuer* issuer : TokenIssuer::All()) {
    for (const char* none : {"none", "None", "NONE", "nOnE", ""}) {
      const std::string header = EncodeBase64Url(std::string(R"({"alg":")") + none +
                                                 R"(","kid":")" + issuer->kid() + "\"}");
      EXPECT_EQ(WhyNoJws(header + "." + payload + ".", JwsKeyOf(*issuer)), "alg: not the key's");
      EXPECT_EQ(WhyNoJws(header + "." + payload + ".AAAA", JwsKeyOf(*issuer)),
                "alg: not the key's");
    }
  }
}

TEST(Jws, RefusesAnEmptySignatureUnderTheKeysAlgorithm) {
  for (const TokenIssuer* issuer : TokenIssuer::All()) {
    const std::string token = issuer->Issue(kJwsPayload);
    EXPECT_EQ(WhyNoJws(token.substr(0, token.rfind('.') + 1), JwsKeyOf(*issuer)),
              "signature: not by the key");
  }
}

TEST(Jws, RefusesHs256SignedWithAPublicKey) {
  const std::string n = TokenIssuer::Rs256().nameless_jwk().substr(18, 342);
  const std::vector<std::string> secrets = {TokenIssuer::Rs256().jwk(),
                                            TokenIssuer::Rs256().nameless_jwk(), n,
                                            DecodeBase64Url(n).value()};
  for (const std::string& secret : secrets) {
    for (const char* alg : {"HS256", "RS256"}) {
      const std::string header = std::string(R"({"alg":")") + alg + R"(","kid":"rs256"})";
      EXPECT_EQ(WhyNoJws(HmacToken(secret, header), JwsKeyOf(TokenIssuer::Rs256())),
                std::string(alg) == "HS256" ? "alg: not the key's" : "signature: not by the key");
    }
  }
}

TEST(Jws, TakesTheAlgorithmOfTheKeyAndNeverTheTokens) {
  const JwsKeys keys = JwsKeysIn(JwkSetOfAll());
  for (const TokenIssuer* signer : TokenIssuer::All()) {
    for (const TokenIssuer* named : TokenIssuer::All()) {
      if (signer == named) continue;
      const std::string other_alg =
          R"({"alg":")" + named->alg() + R"(","kid":")" + signer->kid() + "\"}";
      EXPECT_EQ(WhyNoJws(signer->Issue({.header = other_alg, .payload = kJwsPayload}), keys),
                "alg: not the key's");
      const std::string other_kid =
          R"({"alg":")" + signer->alg() + R"(","kid":")" + named->kid() + "\"}";
      EXPECT_EQ(WhyNoJws(signer->Issue({.header = other_kid, .payload = kJwsPayload}), keys),
                "alg: not the key's");
      const std::string both = R"({"alg":")" + named->alg() + R"(","kid":")" + named->kid() + "\"}";
      EXPECT_EQ(WhyNoJws(signer->Issue({.header = both, .payload = kJwsPayload}), keys),
                "signature: not by the key");
    }
  }
  for (const char* alg : {"RS512", "PS256", "es256", "ES256 ", "ES384", "HS256"}) {
    EXPECT_EQ(WhyNoJwsHeader(TokenIssuer::Es256(),
                             std::string(R"({"kid":"es256","alg":")") + alg + "\"}"),
              "alg: not the key's");
  }
}

TEST(Jws, RefusesAnotherKeysSignature) {
  const std::string other = R"({"kty":"OKP","crv":"Ed25519","kid":"eddsa","x":")" +
                            EncodeBase64Url(std::string(32, '\x09')) + "\"}";
  EXPECT_EQ(WhyNoJws(TokenIssuer::EdDsa().Issue(kJwsPayload), JwsKeysIn(JwkSetOf({other}))),
            "signature: not by the key");
}

TEST(Jws, RefusesAHeaderThatAsksForMore) {
  for (const char* member :
       {R"("crit":["exp"],"exp":1)", R"("crit":[])", R"("crit":["b64"],"b64":false)",
        R"("jwk":{"kty":"oct","k":"AAAA"})", R"("jku":"https://example.com/keys.json")",
        R"("x5u":"https://example.com/cert.pem")", R"("x5c":["AAAA"])", R"("jwk":null)"}) {
    EXPECT_EQ(WhyNoJwsHeader(TokenIssuer::Es256(),
                             std::string(R"({"alg":"ES256","kid":"es256",)") + member + "}"),
              "header: crit, jwk, jku, x5u or x5c")
        << member;
  }
}

TEST(Jws, RefusesAHeaderThatIsNone) {
  const TokenIssuer& issuer = TokenIssuer::Es256();
  EXPECT_EQ(WhyNoJwsHeader(issuer, ""), "header: no JSON object");
  EXPECT_EQ(WhyNoJwsHeader(issuer, "[]"), "header: no JSON object");
  EXPECT_EQ(WhyNoJwsHeader(issuer, R"({"alg":"ES256","kid":"es256"} x)"), "header: no JSON object");
  EXPECT_EQ(WhyNoJwsHeader(issuer, R"({"alg":"none","kid":"es256","alg":"ES256"})"),
            "header: no JSON object");
  EXPECT_EQ(WhyNoJwsHeader(issuer, "{\"alg\":\"ES256\",\"kid\":\"es256\",\"x\":" +
                                       std::string(40, '[') + std::string(40, ']') + "}"),
            "header: no JSON object");
  EXPECT_EQ(WhyNoJwsHeader(issuer, R"({"kid":"es256"})"), "header: no alg");
  EXPECT_EQ(WhyNoJwsHeader(issuer, R"({"alg":["ES256"],"kid":"es256"})"), "header: no alg");
  EXPECT_EQ(WhyNoJwsHeader(issuer, R"({"alg":"ES256","kid":7})"), "header: kid is no string");
  EXPECT_EQ(WhyNoJwsHeader(issuer, R"({"alg":"ES256","kid":null})"), "header: kid is no string");
}

TEST(Jws, RefusesAKidThatNamesNoKey) {
  for (const std::string& kid :
       {std::string(), std::string("other"), std::string("../../../../dev/null"),
        std::string("/etc/passwd"), std::string("es256\\u0000"), std::string("ES256"),
        std::string("' OR 1=1 --"), std::string("https://example.com/key"),
        std::string(5'000, 'k')}) {
    EXPECT_EQ(WhyNoJwsHeader(TokenIssuer::Es256(), R"({"alg":"ES256","kid":")" + kid + "\"}"),
              "kid: no such key");
  }
  EXPECT_EQ(WhyNoJwsHeader(TokenIssuer::Es256(),
                           R"({"alg":"ES256","kid":")" + std::string(10'240, 'k') + "\"}"),
            "longer than 8 KiB");
}

TEST(Jws, RefusesATokenWithoutKidWhereThereAreSeveralKeys) {
  const std::string token =
      TokenIssuer::Es256().Issue({.header = R"({"alg":"ES256"})", .payload = kJwsPayload});
  EXPECT_EQ(WhyNoJws(token, JwsKeysIn(JwkSetOfAll())), "kid: none, and several keys");
  EXPECT_EQ(OpenedJws(token, JwsKeyOf(TokenIssuer::Es256())), kJwsPayload);
}

// In memory a string is followed by a zero, which must not stand for the byte that is missing.
TEST(Jws, RefusesAnHmacWithoutItsLastByteWhenThatIsZero) {
  const TokenIssuer& issuer = TokenIssuer::Hs256();
  std::string token;
  std::string signature = "?";
  for (int i = 0; signature.back() != '\0'; ++i) {
    token = issuer.Issue(std::to_string(i));
    signature = DecodeBase64Url(token.substr(token.rfind('.') + 1)).value();
  }
  signature.pop_back();
  EXPECT_EQ(WhyNoJws(token.substr(0, token.rfind('.') + 1) + EncodeBase64Url(signature),
                     JwsKeyOf(issuer)),
            "signature: not by the key");
}

TEST(Jws, RefusesAnEcSignatureInDerOrOfZeros) {
  const TokenIssuer& issuer = TokenIssuer::Es256();
  const std::string token = issuer.Issue(kJwsPayload);
  const std::string text = token.substr(0, token.rfind('.'));
  const std::string order = "\xff\xff\xff\xff" + std::string(4, '\0') + std::string(8, '\xff') +
                            "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
  const std::string der =
      "\x30\x44\x02\x20" + std::string(32, '\x01') + "\x02\x20" + std::string(32, '\x01');
  for (const std::string& signature :
       {std::string(64, '\0'), std::string(64, '\xff'), std::string(63, '\x01'),
        std::string(65, '\x01'), order + order, der}) {
    EXPECT_EQ(WhyNoJws(text + "." + EncodeBase64Url(signature), JwsKeyOf(issuer)),
              "signature: not by the key");
  }
}

// The number is the same, and the signature would have two spellings.
TEST(Jws, RefusesAnEcSignatureWithALeadingZero) {
  const TokenIssuer& issuer = TokenIssuer::Es256();
  const std::string token = issuer.Issue(kJwsPayload);
  const std::size_t dot = token.rfind('.');
  std::string signature = DecodeBase64Url(token.substr(dot + 1)).value();
  signature.insert(32, 1, '\0');
  EXPECT_EQ(WhyNoJws(token.substr(0, dot + 1) + EncodeBase64Url(signature), JwsKeyOf(issuer)),
            "signature: not by the key");
}

TEST(Jws, RefusesAnRsaSignatureOfAnotherLength) {
  const TokenIssuer& issuer = TokenIssuer::Rs256();
  const std::string token = issuer.Issue(kJwsPayload);
  const std::size_t dot = token.rfind('.');
  const std::string signature = DecodeBase64Url(token.substr(dot + 1)).value();
  for (const std::string& other : {std::string(1, '\0') + signature, signature + '\0',
                                   signature.substr(1), std::string(256, '\0')}) {
    EXPECT_EQ(WhyNoJws(token.substr(0, dot + 1) + EncodeBase64Url(other), JwsKeyOf(issuer)),
              "signature: not by the key");
  }
}

TEST(Jws, SaysNothingOfTheToken) {
  const TokenIssuer& issuer = TokenIssuer::Es256();
  for (const char* header :
       {R"({"alg":"PLANTED","kid":"es256"})", R"({"alg":"ES256","kid":"PLANTED"})",
        R"({"PLANTED":1,"PLANTED":2})", R"(PLANTED)", R"({"alg":"ES256","jku":"PLANTED"})"}) {
    const auto payload =
        OpenJws(issuer.Issue({.header = header, .payload = kJwsPayload}), *JwsKeyOf(issuer));
    EXPECT_THAT(payload.status().ToString(), Not(HasSubstr("PLANTED"))) << header;
  }
}

// One character of the token in the place of another, of the alphabet and beyond; one more; one
// less; the token cut off.
void ExpectEveryChangeIsRefused(const TokenIssuer& issuer) {
  const std::string characters =
      std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ %\n\xff") +
      '\0';
  const JwsKeys keys = JwsKeyOf(issuer);
  const std::string header = R"({"alg":")" + issuer.alg() + "\"}";
  const std::string good = issuer.Issue({.header = header, .payload = R"({"sub":"a"})"});
  ASSERT_TRUE(OpenJws(good, *keys).ok());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char c : characters) {
      std::string changed = good;
      changed[at] = c;
      EXPECT_EQ(OpenJws(changed, *keys).ok(), c == good[at]) << c << " at " << at;
    }
    EXPECT_FALSE(OpenJws(std::string(good).erase(at, 1), *keys).ok()) << at;
    EXPECT_FALSE(OpenJws(std::string(good).insert(at, 1, 'A'), *keys).ok()) << at;
    EXPECT_FALSE(OpenJws(good.substr(0, at), *keys).ok()) << at;
  }
  EXPECT_FALSE(OpenJws(good + 'A', *keys).ok());
}

TEST(Jws, RefusesEveryChangeOfAnHs256Token) { ExpectEveryChangeIsRefused(TokenIssuer::Hs256()); }
TEST(Jws, RefusesEveryChangeOfAnRs256Token) { ExpectEveryChangeIsRefused(TokenIssuer::Rs256()); }
TEST(Jws, RefusesEveryChangeOfAnEs256Token) { ExpectEveryChangeIsRefused(TokenIssuer::Es256()); }
TEST(Jws, RefusesEveryChangeOfAnEdDsaToken) { ExpectEveryChangeIsRefused(TokenIssuer::EdDsa()); }

}  // namespace
}  // namespace ackwire
