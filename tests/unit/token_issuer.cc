#include "tests/unit/token_issuer.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>

#include <memory>
#include <utility>

#include "delivery/base64url.h"

namespace ackwire {
namespace {

constexpr char kHmacK[] =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr char kRsaN[] =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4"
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re"
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX"
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr char kRsaD[] =
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXO"
    "oAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51"
    "gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3c"
    "cPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ";
constexpr char kEcX[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr char kEcY[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr char kEcD[] = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
constexpr char kOkpX[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr char kOkpD[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

using KeyPair = std::shared_ptr<EVP_PKEY>;

std::string KeyBytes(const char* text) { return DecodeBase64Url(text).value(); }

const unsigned char* UnsignedBytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

BIGNUM* KeyNumber(const char* text) {
  const std::string bytes = KeyBytes(text);
  return BN_bin2bn(UnsignedBytesOf(bytes), static_cast<int>(bytes.size()), nullptr);
}

KeyPair KeyPairFrom(const char* type, OSSL_PARAM_BLD* builder) {
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr);
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  return KeyPair(key, EVP_PKEY_free);
}

KeyPair RsaKeyPair() {
  BIGNUM* n = KeyNumber(kRsaN);
  BIGNUM* e = KeyNumber("AQAB");
  BIGNUM* d = KeyNumber(kRsaD);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d);
  KeyPair key = KeyPairFrom("RSA", builder);
  for (BIGNUM* each : {n, e, d}) BN_free(each);
  return key;
}

KeyPair EcKeyPair() {
  const std::string point = '\x04' + KeyBytes(kEcX) + KeyBytes(kEcY);
  BIGNUM* d = KeyNumber(kEcD);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d);
  KeyPair key = KeyPairFrom("EC", builder);
  BN_free(d);
  return key;
}

KeyPair OkpKeyPair() {
  const std::string d = KeyBytes(kOkpD);
  return KeyPair(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, UnsignedBytesOf(d), d.size()),
      EVP_PKEY_free);
}

std::string SignBy(const KeyPair& key, const EVP_MD* digest, std::string_view text) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::string signature(1024, '\0');
  std::size_t size = signature.size();
  EXPECT_EQ(EVP_DigestSignInit(context, nullptr, digest, nullptr, key.get()), 1);
  EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                           UnsignedBytesOf(text), text.size()),
            1);
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return signature;
}

// r and s side by side.
std::string FromDer(const std::string& der) {
  const unsigned char* at = UnsignedBytesOf(der);
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string both(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(both.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32);
  ECDSA_SIG_free(pair);
  return both;
}

std::string HmacOf(std::string_view text) {
  const std::string k = KeyBytes(kHmacK);
  std::string digest(32, '\0');
  HMAC(EVP_sha256(), k.data(), static_cast<int>(k.size()), UnsignedBytesOf(text), text.size(),
       reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

}  // namespace

std::string EncodeBase64Url(std::string_view bytes) {
  return absl::WebSafeBase64Escape({bytes.data(), bytes.size()});
}

TokenIssuer::TokenIssuer(std::string alg, std::string jwk, Signer sign)
    : alg_(std::move(alg)), jwk_(std::move(jwk)), sign_(std::move(sign)) {}

const TokenIssuer& TokenIssuer::Hs256() {
  static const TokenIssuer issuer("HS256", absl::StrCat(R"({"kty":"oct","k":")", kHmacK, "\"}"),
                                  &HmacOf);
  return issuer;
}

const TokenIssuer& TokenIssuer::Rs256() {
  static const TokenIssuer issuer(
      "RS256", absl::StrCat(R"({"kty":"RSA","n":")", kRsaN, R"(","e":"AQAB"})"),
      [key = RsaKeyPair()](std::string_view text) { return SignBy(key, EVP_sha256(), text); });
  return issuer;
}

const TokenIssuer& TokenIssuer::Es256() {
  static const TokenIssuer issuer(
      "ES256", absl::StrCat(R"({"kty":"EC","crv":"P-256","x":")", kEcX, R"(","y":")", kEcY, "\"}"),
      [key = EcKeyPair()](std::string_view text) {
        return FromDer(SignBy(key, EVP_sha256(), text));
      });
  return issuer;
}

const TokenIssuer& TokenIssuer::EdDsa() {
  static const TokenIssuer issuer(
      "EdDSA", absl::StrCat(R"({"kty":"OKP","crv":"Ed25519","x":")", kOkpX, "\"}"),
      [key = OkpKeyPair()](std::string_view text) { return SignBy(key, nullptr, text); });
  return issuer;
}

std::vector<const TokenIssuer*> TokenIssuer::All() {
  return {&Hs256(), &Rs256(), &Es256(), &EdDsa()};
}

std::string TokenIssuer::kid() const { return absl::AsciiStrToLower(alg_); }

std::string TokenIssuer::jwk() const {
  return absl::StrCat(jwk_.substr(0, jwk_.size() - 1), R"(,"kid":")", kid(), "\"}");
}

std::string TokenIssuer::Issue(std::string_view payload) const {
  const std::string header = absl::StrCat(R"({"alg":")", alg_, R"(","kid":")", kid(), "\"}");
  return Issue({.header = header, .payload = payload});
}

std::string TokenIssuer::Issue(const Words& words) const {
  const std::string text = EncodeBase64Url(words.header) + "." + EncodeBase64Url(words.payload);
  return text + "." + EncodeBase64Url(Sign(text));
}

std::string JwkSetOf(const std::vector<std::string>& jwks) {
  std::string keys;
  for (const std::string& each : jwks) absl::StrAppend(&keys, keys.empty() ? "" : ",", each);
  return absl::StrCat(R"({"keys":[)", keys, "]}");
}

std::string JwkSetOfAll() {
  std::vector<std::string> jwks;
  for (const TokenIssuer* issuer : TokenIssuer::All()) jwks.push_back(issuer->jwk());
  return JwkSetOf(jwks);
}

}  // namespace ackwire
