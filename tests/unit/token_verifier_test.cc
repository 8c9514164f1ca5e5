#include "delivery/token_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "delivery/token_refusal.h"
#include "tests/unit/token_issuer.h"

namespace ackwire {
namespace {

constexpr Timestamp kVerifiedAt = FromUnixMs(1'795'305'600'000);
constexpr char kGoodClaims[] =
    R"({"sub":"alice","aud":"ackwire","exp":1795305700,"ackwire":{"subscribe":["room/*"]}})";

std::shared_ptr<const JwkSet> VerifierKeys(const std::vector<std::string>& jwks) {
  auto set = JwkSet::Parse(JwkSetOf(jwks));
  EXPECT_TRUE(set.ok()) << set.status();
  return *std::move(set);
}

std::string VerifierReason(const TokenVerifier& verifier, const std::string& token) {
  return TokenReasonOf(verifier.Verify(token, kVerifiedAt).status());
}

TEST(TokenVerifier, SaysWhoTheCallerIs) {
  const auto keys = JwkSet::Parse(JwkSetOfAll());
  ASSERT_TRUE(keys.ok()) << keys.status();
  const TokenVerifier verifier(*keys, {.audience = "ackwire"});
  for (const TokenIssuer* issuer : TokenIssuer::All()) {
    const auto claims = verifier.Verify(issuer->Issue(kGoodClaims), kVerifiedAt);
    ASSERT_TRUE(claims.ok()) << claims.status();
    EXPECT_EQ(claims->user, "alice");
    EXPECT_TRUE(claims->MaySubscribe("room/1"));
  }
}

TEST(TokenVerifier, LooksAtTheClaimsOfASignedTokenOnly) {
  const TokenIssuer& issuer = TokenIssuer::EdDsa();
  const TokenVerifier verifier(VerifierKeys({issuer.jwk()}), {.audience = "ackwire"});
  const std::string expired = issuer.Issue(R"({"sub":"alice","aud":"ackwire","exp":1})");
  EXPECT_TRUE(IsTokenExpired(verifier.Verify(expired, kVerifiedAt).status()));
  EXPECT_EQ(VerifierReason(verifier, expired.substr(0, expired.rfind('.')) + ".AAAA"),
            "signature: not by the key");
  EXPECT_EQ(VerifierReason(verifier, issuer.Issue(R"({"sub":"alice","exp":1795305700})")),
            "aud: not the one asked for");
}

TEST(TokenVerifier, RefusesNoToken) {
  const TokenVerifier verifier(VerifierKeys({TokenIssuer::EdDsa().jwk()}), {});
  const auto status = verifier.Verify("", kVerifiedAt).status();
  EXPECT_EQ(status.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(MessageOf(status), "a valid token is required");
}

TEST(TokenVerifier, KnowsTheNewKeysAloneOnceTheyAreReplaced) {
  TokenVerifier verifier(VerifierKeys({TokenIssuer::EdDsa().jwk()}), {});
  const std::string old_token = TokenIssuer::EdDsa().Issue(kGoodClaims);
  const std::string new_token = TokenIssuer::Es256().Issue(kGoodClaims);
  EXPECT_TRUE(verifier.Verify(old_token, kVerifiedAt).ok());
  EXPECT_EQ(VerifierReason(verifier, new_token), "kid: no such key");
  verifier.Replace(VerifierKeys({TokenIssuer::Es256().jwk()}));
  EXPECT_EQ(VerifierReason(verifier, old_token), "kid: no such key");
  EXPECT_TRUE(verifier.Verify(new_token, kVerifiedAt).ok());
}

TEST(TokenVerifier, VerifiesOnManyThreadsWhileKeysAreReplaced) {
  const auto keys = JwkSet::Parse(JwkSetOfAll());
  ASSERT_TRUE(keys.ok()) << keys.status();
  TokenVerifier verifier(*keys, {});
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (const TokenIssuer* issuer : TokenIssuer::All()) {
    threads.emplace_back([&, token = issuer->Issue(kGoodClaims)] {
      for (int i = 0; i < 200; ++i) {
        if (!verifier.Verify(token, kVerifiedAt).ok()) ++refused;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    auto again = JwkSet::Parse(JwkSetOfAll());
    ASSERT_TRUE(again.ok()) << again.status();
    verifier.Replace(*std::move(again));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace ackwire
