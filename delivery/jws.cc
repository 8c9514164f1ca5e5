#include "delivery/jws.h"

#include <array>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "delivery/base64url.h"
#include "delivery/strict_json.h"
#include "delivery/token_refusal.h"

namespace ackwire {
namespace {

namespace json = boost::json;

// Extensions that must be understood, of which none is; and keys, or where to fetch them, by the
// word of the one who is to be verified.
constexpr std::array kRefusedMembers = {"crit", "jwk", "jku", "x5u", "x5c"};

struct JwsParts {
  std::string_view header;
  std::string_view payload;
  std::string_view signed_text;  // both, and the dot between
  std::string_view signature;
};

std::optional<JwsParts> SplitJws(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  // A third dot is refused with the signature that it is in.
  return JwsParts{.header = token.substr(0, first),
                  .payload = token.substr(first + 1, second - first - 1),
                  .signed_text = token.substr(0, second),
                  .signature = token.substr(second + 1)};
}

struct JwsHeader {
  std::string alg;
  std::optional<std::string> kid;
};

StatusOr<JwsHeader> ReadHeader(std::string_view encoded) {
  const std::optional<std::string> text = DecodeBase64Url(encoded);
  if (!text) return TokenRefused("header: not base64url");
  const StatusOr<json::value> value = ParseStrictJson(*text, "header");
  const json::object* members = value.ok() ? value->if_object() : nullptr;
  if (members == nullptr) return TokenRefused("header: no JSON object");
  for (const char* name : kRefusedMembers) {
    if (members->contains(name)) return TokenRefused("header: crit, jwk, jku, x5u or x5c");
  }
  const json::value* alg = members->if_contains("alg");
  if (alg == nullptr || !alg->is_string()) return TokenRefused("header: no alg");
  JwsHeader header{.alg = std::string(alg->get_string())};
  if (const json::value* kid = members->if_contains("kid")) {
    if (!kid->is_string()) return TokenRefused("header: kid is no string");
    header.kid = std::string(kid->get_string());
  }
  return header;
}

}  // namespace

StatusOr<std::string> OpenJws(std::string_view token, const JwkSet& keys) {
  if (token.size() > kTokenBytesMax) return TokenRefused("longer than 8 KiB");
  const std::optional<JwsParts> parts = SplitJws(token);
  if (!parts) return TokenRefused("not three parts");
  const StatusOr<JwsHeader> header = ReadHeader(parts->header);
  if (!header.ok()) return header.status();
  const VerificationKey* key = keys.Find(header->kid);
  if (key == nullptr) {
    return TokenRefused(header->kid ? "kid: no such key" : "kid: none, and several keys");
  }
  if (header->alg != key->algorithm()) return TokenRefused("alg: not the key's");
  const std::optional<std::string> signature = DecodeBase64Url(parts->signature);
  if (!signature || !key->Verifies({.text = parts->signed_text, .signature = *signature})) {
    return TokenRefused("signature: not by the key");
  }
  std::optional<std::string> payload = DecodeBase64Url(parts->payload);
  if (!payload) return TokenRefused("payload: not base64url");
  return *std::move(payload);
}

}  // namespace ackwire
