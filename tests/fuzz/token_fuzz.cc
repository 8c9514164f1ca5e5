// Tokens, and the keys that they are verified with. The first letter says what the rest is:
//
//   t  a token, as a caller gives it
//   s  header and payload, a line feed between them: signed here, by HS256
//   p  the payload of a token whose signature held
//   k  a JWK set
//   b  base64url
#include <boost/json.hpp>

#include "delivery/base64url.h"
#include "delivery/claims.h"
#include "delivery/jwk_set.h"
#include "delivery/jws.h"
#include "delivery/strict_json.h"
#include "delivery/token_refusal.h"
#include "delivery/token_verifier.h"
#include "store/limits.h"
#include "tests/fuzz/error_checks.h"
#include "tests/unit/token_issuer.h"

namespace ackwire::fuzz {
namespace {

namespace json = boost::json;

constexpr Timestamp kNow = FromUnixMs(1'800'000'000'000);

const std::shared_ptr<const JwkSet>& Keys() {
  static const std::shared_ptr<const JwkSet> keys = JwkSet::Parse(JwkSetOfAll()).value();
  return keys;
}

// One text for whatever is wrong, so that nothing of a token can be in it.
void CheckTokenRefusal(const Status& status) {
  CheckRefusal(status);
  CHECK(status.code() == StatusCode::kUnauthenticated, "401");
  const char* said = IsTokenExpired(status) ? "the token has expired" : "a valid token is required";
  CHECK(MessageOf(status) == said, "a caller learns no more");
  const std::string reason = TokenReasonOf(status);
  CHECK(!reason.empty() && reason.size() < 50, "the log has a reason, in words of ours");
}

void CheckPatterns(const std::vector<std::string>& patterns) {
  for (const std::string& each : patterns) {
    CHECK(!each.empty() && each.size() <= kNameBytesMax + 1 && IsUtf8(each),
          "a name, or its begin");
    CHECK(each.find('*') >= each.size() - 1, "a star stands at the end");
  }
}

void CheckClaims(const Claims& claims) {
  CHECK(CheckClientName(claims.user).ok(), "a user has a name");
  CHECK(claims.user.find('/') == std::string::npos, "without a device");
  CHECK(claims.IsUserOf(claims.user) && claims.IsUserOf(claims.user + "/phone"), "and devices");
  CHECK(!claims.IsUserOf(claims.user + "x"), "and is nobody else");
  CHECK(claims.expires_at > kNow, "it has not expired");
  CHECK(claims.expires_at <= FromUnixMs(253'402'300'799'000) + kClockSkew, "in seconds, not more");
  CheckPatterns(claims.subscribe);
  CheckPatterns(claims.publish);
  for (const std::string& each : claims.subscribe) {
    const bool is_prefix = each.ends_with('*');
    const std::string name = each.substr(0, each.size() - (is_prefix ? 1 : 0));
    CHECK(claims.MaySubscribe(name), "what a claim names is allowed");
    CHECK(!is_prefix || claims.MaySubscribe(name + "x"), "and what begins so");
    CHECK(!is_prefix || claims.MaySubscribeToAll(name), "all of it");
  }
  if (claims.publish.empty()) CHECK(!claims.MayPublish("room"), "and nothing else");
}

void CheckPayload(std::string_view payload) {
  const StatusOr<Claims> claims = ReadClaims(payload, {}, kNow);
  if (claims.ok()) {
    CheckClaims(*claims);
    const auto expired = ReadClaims(payload, {}, claims->expires_at);
    CHECK(IsTokenExpired(expired.status()), "and then it will be told apart");
  } else {
    CheckTokenRefusal(claims.status());
  }
  const TokenRules rules{.audience = "ackwire", .issuer = "https://issuer"};
  const StatusOr<Claims> ruled = ReadClaims(payload, rules, kNow);
  if (!ruled.ok()) CheckTokenRefusal(ruled.status());
  CHECK(!ruled.ok() || claims.ok(), "rules ask for more, never for less");
}

void CheckSpellings(const std::string& token) {
  for (std::size_t at = token.size(); at-- > 0 && at + 100 > token.size();) {
    std::string other = token;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    CHECK(!OpenJws(other, *Keys()).ok(), "a token has one spelling");
  }
  CHECK(!OpenJws(token + "=", *Keys()).ok() && !OpenJws(token + ".", *Keys()).ok(), "exactly");
}

void CheckToken(std::string_view token) {
  const StatusOr<std::string> payload = OpenJws(token, *Keys());
  TokenVerifier verifier(JwkSet::Parse(JwkSetOf({TokenIssuer::Hs256().jwk()})).value(), {});
  verifier.Replace(Keys());
  const StatusOr<Claims> claims = verifier.Verify(token, kNow);
  if (!payload.ok()) {
    CheckTokenRefusal(payload.status());
    CHECK(claims.status() == payload.status(), "a signature comes first");
    return;
  }
  CHECK(token.size() <= kTokenBytesMax, "8 KiB");
  CheckSpellings(std::string(token));
  const StatusOr<Claims> read = ReadClaims(*payload, {}, kNow);
  CHECK(claims.status() == read.status(), "then the payload says");
}

void CheckSigned(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view header = text.substr(0, end);
  const std::string_view payload = text.substr(std::min(end + 1, text.size()));
  const std::string token = TokenIssuer::Hs256().Issue({.header = header, .payload = payload});
  const StatusOr<std::string> opened = OpenJws(token, *Keys());
  CheckToken(token);
  if (!opened.ok()) return;
  CHECK(*opened == payload, "what was signed comes out");
  const auto value = ParseStrictJson(header, "header");
  CHECK(value.ok() && value->is_object(), "a header is an object");
  const json::object& members = value->get_object();
  CHECK(members.at("alg") == json::value("HS256"), "of the key's algorithm");
  CHECK(members.at("kid") == json::value("hs256"), "and names the key, as there are several");
  for (const char* name : {"crit", "jwk", "jku", "x5u", "x5c"}) {
    CHECK(!members.contains(name), "it brings no key, and asks for no extension");
  }
}

// A value with this in it is a secret, and stays out of errors. (Names of members may be quoted.)
constexpr char kSecret[] = "SECRET";

void CheckKeys(std::string_view text) {
  const auto keys = JwkSet::Parse(text);
  if (!keys.ok()) {
    CheckRefusal(keys.status());
    const std::string said = MessageOf(keys.status());
    const bool of_a_name = said.find("stands twice") != std::string::npos;
    CHECK(of_a_name || said.find(kSecret) == std::string::npos, "no error quotes a key");
    return;
  }
  const auto document = ParseStrictJson(text, "JWK set");
  const json::array& all = document->as_object().at("keys").as_array();
  CHECK((*keys)->size() > 0 && (*keys)->size() <= kJwksMax, "1 to 100 keys");
  CHECK((*keys)->size() + (*keys)->skipped().size() == all.size(), "each was taken or skipped");
  for (const std::string& why : (*keys)->skipped()) {
    CHECK(why.starts_with("keys[") && why.find(kSecret) == std::string::npos, "by its index");
  }
  CHECK(((*keys)->Find(std::nullopt) != nullptr) == ((*keys)->size() == 1), "the only one");
  for (const json::value& each : all) {
    const json::value* kid = each.as_object().if_contains("kid");
    if (kid == nullptr || !kid->is_string()) continue;
    const VerificationKey* key = (*keys)->Find(std::string(kid->get_string()));
    if (key == nullptr) continue;
    const std::string zeros(64, '\0');
    CHECK(!key->Verifies({.text = "text", .signature = ""}), "nothing is no signature");
    CHECK(!key->Verifies({.text = "text", .signature = zeros}), "nor are zeros");
  }
}

void CheckBase64Url(std::string_view text) {
  CHECK(DecodeBase64Url(EncodeBase64Url(text)) == text, "any bytes come back");
  const std::optional<std::string> bytes = DecodeBase64Url(text);
  if (bytes) CHECK(EncodeBase64Url(*bytes) == text, "and have one spelling");
}

}  // namespace
}  // namespace ackwire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ackwire::fuzz;
  CheckBy({{'t', CheckToken},
           {'s', CheckSigned},
           {'p', CheckPayload},
           {'k', CheckKeys},
           {'b', CheckBase64Url}},
          TextOf(data, size));
  return 0;
}
