#include "delivery/jwk_set.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "delivery/base64url.h"
#include "delivery/strict_json.h"

namespace ackwire {
namespace {

namespace json = boost::json;

// What only the holder of a key pair should have.
constexpr std::array kPrivateParts = {"d", "p", "q", "dp", "dq", "qi", "oth"};

// JwkMembers of one key. A member that is there is of its type, or it is wrong.
class JwkMembers {
 public:
  explicit JwkMembers(const json::object& object) : object_(object) {}

  [[nodiscard]] bool Has(const char* name) const { return object_.if_contains(name) != nullptr; }

  [[nodiscard]] StatusOr<std::optional<std::string>> Text(const char* name) const {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return std::optional<std::string>();
    if (!value->is_string()) return Wrong(name, "must be a string");
    return std::optional(std::string(value->get_string()));
  }

  [[nodiscard]] StatusOr<std::string> RequiredText(const char* name) const {
    StatusOr<std::optional<std::string>> text = Text(name);
    if (!text.ok()) return text.status();
    if (!*text) return Wrong(name, "must be given");
    return **std::move(text);
  }

  [[nodiscard]] StatusOr<std::string> RequiredBytes(const char* name) const {
    const StatusOr<std::string> text = RequiredText(name);
    if (!text.ok()) return text.status();
    std::optional<std::string> bytes = DecodeBase64Url(*text);
    if (!bytes || bytes->empty()) return Wrong(name, "must be base64url without padding");
    return *std::move(bytes);
  }

  // OK too when `key_ops` is not given: it need not be.
  [[nodiscard]] StatusOr<bool> AllowsVerifying() const {
    const json::value* value = object_.if_contains("key_ops");
    if (value == nullptr) return true;
    const json::array* operations = value->if_array();
    const auto is_text = [](const json::value& each) { return each.is_string(); };
    if (operations == nullptr || !std::all_of(operations->begin(), operations->end(), is_text)) {
      return Wrong("key_ops", "must be an array of strings");
    }
    return std::any_of(operations->begin(), operations->end(),
                       [](const json::value& each) { return each.get_string() == "verify"; });
  }

  [[nodiscard]] static Status Wrong(const char* name, const char* problem) {
    return InvalidArgument(std::string(name) + ": " + problem);
  }

 private:
  const json::object& object_;
};

StatusOr<KeyPointer> MakeOct(const JwkMembers& members) {
  StatusOr<std::string> k = members.RequiredBytes("k");
  if (!k.ok()) return k.status();
  return MakeHmacKey(*std::move(k));
}

StatusOr<KeyPointer> MakeRsa(const JwkMembers& members) {
  StatusOr<std::string> n = members.RequiredBytes("n");
  if (!n.ok()) return n.status();
  StatusOr<std::string> e = members.RequiredBytes("e");
  if (!e.ok()) return e.status();
  return MakeRsaKey({.n = *std::move(n), .e = *std::move(e)});
}

StatusOr<KeyPointer> MakeEc(const JwkMembers& members) {
  StatusOr<std::string> x = members.RequiredBytes("x");
  if (!x.ok()) return x.status();
  StatusOr<std::string> y = members.RequiredBytes("y");
  if (!y.ok()) return y.status();
  return MakeEcKey({.x = *std::move(x), .y = *std::move(y)});
}

StatusOr<KeyPointer> MakeOkp(const JwkMembers& members) {
  const StatusOr<std::string> x = members.RequiredBytes("x");
  if (!x.ok()) return x.status();
  return MakeEd25519Key(*x);
}

// A type of key has one algorithm here, so that a key need not say its own.
struct KeyType {
  std::string_view kty;
  std::string_view crv;  // empty: the type has none
  std::string_view alg;
  bool has_private_parts = true;
  StatusOr<KeyPointer> (*make)(const JwkMembers& members) = nullptr;
};
constexpr std::array kKeyTypes = {KeyType{"oct", "", "HS256", false, &MakeOct},
                                  KeyType{"RSA", "", "RS256", true, &MakeRsa},
                                  KeyType{"EC", "P-256", "ES256", true, &MakeEc},
                                  KeyType{"OKP", "Ed25519", "EdDSA", true, &MakeOkp}};

Status CheckNoPrivatePart(const JwkMembers& members) {
  for (const char* name : kPrivateParts) {
    if (members.Has(name)) {
      return JwkMembers::Wrong(name, "is a private part; give the public key alone");
    }
  }
  return OkStatus();
}

// Why a key of that type is none for verifying tokens; empty when it is one.
StatusOr<std::string> WhySkipped(const JwkMembers& members, const KeyType& type) {
  const StatusOr<std::optional<std::string>> use = members.Text("use");
  if (!use.ok()) return use.status();
  if (use->value_or("sig") != "sig") return "use: is not sig";
  const StatusOr<bool> verifying = members.AllowsVerifying();
  if (!verifying.ok()) return verifying.status();
  if (!*verifying) return "key_ops: has no verify";
  if (!type.crv.empty()) {
    const StatusOr<std::string> crv = members.RequiredText("crv");
    if (!crv.ok()) return crv.status();
    if (*crv != type.crv) return "crv: is not " + std::string(type.crv);
  }
  const StatusOr<std::optional<std::string>> alg = members.Text("alg");
  if (!alg.ok()) return alg.status();
  if (alg->value_or(std::string(type.alg)) != type.alg) {
    return "alg: is not " + std::string(type.alg) + ", the one for kty " + std::string(type.kty);
  }
  return std::string();
}

StatusOr<std::optional<std::string>> KeyIdOf(const JwkMembers& members) {
  StatusOr<std::optional<std::string>> kid = members.Text("kid");
  if (kid.ok() && *kid && ((*kid)->empty() || (*kid)->size() > kKeyIdBytesMax)) {
    return JwkMembers::Wrong("kid", "must have 1 to 255 bytes");
  }
  return kid;
}

struct JwkRead {
  KeyPointer key;  // null: skipped
  std::optional<std::string> kid;
  std::string why_skipped;
};

StatusOr<JwkRead> ReadJwk(const JwkMembers& members) {
  const StatusOr<std::string> kty = members.RequiredText("kty");
  if (!kty.ok()) return kty.status();
  const auto* type = std::find_if(kKeyTypes.begin(), kKeyTypes.end(),
                                  [&](const KeyType& each) { return each.kty == *kty; });
  if (type == kKeyTypes.end()) return JwkRead{.why_skipped = "kty: is not oct, RSA, EC or OKP"};
  if (type->has_private_parts) {
    if (Status status = CheckNoPrivatePart(members); !status.ok()) return status;
  }
  StatusOr<std::string> why_skipped = WhySkipped(members, *type);
  if (!why_skipped.ok()) return why_skipped.status();
  if (!why_skipped->empty()) return JwkRead{.why_skipped = *std::move(why_skipped)};
  StatusOr<std::optional<std::string>> kid = KeyIdOf(members);
  if (!kid.ok()) return kid.status();
  StatusOr<KeyPointer> key = type->make(members);
  if (!key.ok()) return key.status();
  return JwkRead{.key = *std::move(key), .kid = *std::move(kid)};
}

std::string JwkPlace(std::size_t index) { return "keys[" + std::to_string(index) + "]"; }

StatusOr<json::array> KeysIn(std::string_view text) {
  if (text.size() > kJwkSetBytesMax) return InvalidArgument("JWK set: is larger than 1 MiB");
  StatusOr<json::value> document = ParseStrictJson(text, "JWK set");
  if (!document.ok()) return document.status();
  json::object* object = document->if_object();
  json::value* keys = object == nullptr ? nullptr : object->if_contains("keys");
  if (keys == nullptr || !keys->is_array()) {
    return InvalidArgument("JWK set: must be an object with an array \"keys\"");
  }
  if (keys->get_array().size() > kJwksMax) {
    return InvalidArgument("keys: must be at most " + std::to_string(kJwksMax) + ", are " +
                           std::to_string(keys->get_array().size()));
  }
  return std::move(keys->get_array());
}

}  // namespace

StatusOr<std::shared_ptr<const JwkSet>> JwkSet::Parse(std::string_view text) {
  const StatusOr<json::array> keys = KeysIn(text);
  if (!keys.ok()) return keys.status();
  const std::shared_ptr<JwkSet> set(new JwkSet());
  for (std::size_t i = 0; i < keys->size(); ++i) {
    const json::object* object = (*keys)[i].if_object();
    if (object == nullptr) return InvalidArgument(JwkPlace(i) + ": must be an object");
    // What is said of a key begins with the field.
    StatusOr<JwkRead> read = ReadJwk(JwkMembers(*object));
    if (!read.ok()) return InvalidArgument(JwkPlace(i) + "." + MessageOf(read.status()));
    if (read->key == nullptr) {
      set->skipped_.push_back(JwkPlace(i) + "." + read->why_skipped);
    } else {
      set->keys_.push_back({i, std::move(read->kid), std::move(read->key)});
    }
  }
  if (Status status = set->CheckKeyIds(); !status.ok()) return status;
  return std::shared_ptr<const JwkSet>(set);
}

const VerificationKey* JwkSet::Find(const std::optional<std::string>& kid) const {
  if (!kid) return keys_.size() == 1 ? keys_.front().key.get() : nullptr;
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [&](const Entry& each) { return each.kid == kid; });
  return found == keys_.end() ? nullptr : found->key.get();
}

Status JwkSet::CheckKeyIds() const {
  if (keys_.empty()) {
    std::string problem = "keys: there is none that a token can be verified with";
    for (const std::string& each : skipped_) problem += "; " + each;
    return InvalidArgument(problem);
  }
  for (auto each = keys_.begin(); each != keys_.end(); ++each) {
    if (!each->kid && keys_.size() > 1) {
      return InvalidArgument(JwkPlace(each->index) +
                             ".kid: must be given, as there are several keys to choose from");
    }
    const auto same = std::find_if(keys_.begin(), each,
                                   [&](const Entry& other) { return other.kid == each->kid; });
    if (same != each) {
      return InvalidArgument(JwkPlace(each->index) + ".kid: is that of " + JwkPlace(same->index) +
                             " too");
    }
  }
  return OkStatus();
}

}  // namespace ackwire
