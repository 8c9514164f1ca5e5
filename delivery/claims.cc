#include "delivery/claims.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "delivery/strict_json.h"
#include "delivery/token_refusal.h"
#include "store/limits.h"

namespace ackwire {
namespace {

namespace json = boost::json;

constexpr double kSecondsMax = 253'402'300'799;  // the end of the year 9999

bool EndsInStar(std::string_view pattern) { return !pattern.empty() && pattern.back() == '*'; }

bool FitsPattern(std::string_view channel, std::string_view pattern) {
  if (!EndsInStar(pattern)) return channel == pattern;
  return channel.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool FitsAny(std::string_view channel, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& each) { return FitsPattern(channel, each); });
}

bool IsPattern(std::string_view text) {
  if (text == "*") return true;
  if (EndsInStar(text)) text.remove_suffix(1);
  return CheckChannelName(text).ok();
}

// A NumericDate (RFC 7519): seconds, perhaps with a fraction. Milliseconds, a common mistake, are
// beyond the bound.
std::optional<Timestamp> DateOf(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  json::error_code ec;
  const auto seconds = value.to_number<double>(ec);
  if (ec || !(seconds >= 0 && seconds <= kSecondsMax)) return std::nullopt;
  return FromUnixMs(static_cast<std::int64_t>(seconds * 1000));
}

// One string, or an array that has it.
bool NamesAudience(const json::value* aud, std::string_view audience) {
  if (aud == nullptr) return false;
  const auto is_it = [&](const json::value& each) {
    return each.is_string() && each.get_string() == audience;
  };
  const json::array* all = aud->if_array();
  return all != nullptr ? std::any_of(all->begin(), all->end(), is_it) : is_it(*aud);
}

Status CheckRules(const json::object& payload, const TokenRules& rules) {
  if (rules.audience && !NamesAudience(payload.if_contains("aud"), *rules.audience)) {
    return TokenRefused("aud: not the one asked for");
  }
  if (rules.issuer) {
    const json::value* iss = payload.if_contains("iss");
    if (iss == nullptr || !iss->is_string() || iss->get_string() != *rules.issuer) {
      return TokenRefused("iss: not the one asked for");
    }
  }
  return OkStatus();
}

Status CheckNotBefore(const json::object& payload, Timestamp now) {
  const json::value* nbf = payload.if_contains("nbf");
  if (nbf == nullptr) return OkStatus();
  const std::optional<Timestamp> not_before = DateOf(*nbf);
  if (!not_before) return TokenRefused("nbf: no date");
  return now + kClockSkew < *not_before ? TokenRefused("nbf: in the future") : OkStatus();
}

Status ReadUser(const json::object& payload, Claims& claims) {
  const json::value* sub = payload.if_contains("sub");
  if (sub == nullptr || !sub->is_string()) return TokenRefused("sub: none");
  claims.user = std::string(sub->get_string());
  if (!CheckClientName(claims.user).ok() || UserOf(claims.user) != claims.user) {
    return TokenRefused("sub: no name of a user");
  }
  return OkStatus();
}

Status ReadPatterns(const json::value* value, std::vector<std::string>& patterns) {
  if (value == nullptr) return OkStatus();
  if (!value->is_array()) return TokenRefused("ackwire: channels are no array");
  for (const json::value& each : value->get_array()) {
    if (!each.is_string() || !IsPattern(std::string_view(each.get_string()))) {
      return TokenRefused("ackwire: no pattern of channels");
    }
    patterns.emplace_back(each.get_string());
  }
  return OkStatus();
}

Status ReadFlag(const json::value* value, bool& flag) {
  if (value == nullptr) return OkStatus();
  if (!value->is_bool()) return TokenRefused("ackwire: neither true nor false");
  flag = value->get_bool();
  return OkStatus();
}

Status ReadRights(const json::object& payload, Claims& claims) {
  const json::value* value = payload.if_contains("ackwire");
  if (value == nullptr) return OkStatus();
  const json::object* rights = value->if_object();
  if (rights == nullptr) return TokenRefused("ackwire: no object");
  Status status = ReadPatterns(rights->if_contains("subscribe"), claims.subscribe);
  if (status.ok()) status = ReadPatterns(rights->if_contains("publish"), claims.publish);
  if (status.ok()) status = ReadFlag(rights->if_contains("publishAs"), claims.publish_as);
  if (status.ok()) status = ReadFlag(rights->if_contains("admin"), claims.admin);
  return status;
}

Status ReadExpiry(const json::object& payload, Claims& claims) {
  const json::value* exp = payload.if_contains("exp");
  if (exp == nullptr) return TokenRefused("exp: none");
  const std::optional<Timestamp> date = DateOf(*exp);
  if (!date) return TokenRefused("exp: no date");
  claims.expires_at = *date + kClockSkew;
  return OkStatus();
}

}  // namespace

bool Claims::MaySubscribe(std::string_view channel) const { return FitsAny(channel, subscribe); }
bool Claims::MayPublish(std::string_view channel) const { return FitsAny(channel, publish); }
bool Claims::MaySubscribeToAll(std::string_view prefix) const {
  return std::any_of(subscribe.begin(), subscribe.end(), [&](const std::string& pattern) {
    return EndsInStar(pattern) && FitsPattern(prefix, pattern);
  });
}
bool Claims::IsUserOf(std::string_view client) const { return UserOf(client) == user; }

StatusOr<Claims> ReadClaims(std::string_view payload, const TokenRules& rules, Timestamp now) {
  const StatusOr<json::value> value = ParseStrictJson(payload, "payload");
  const json::object* members = value.ok() ? value->if_object() : nullptr;
  if (members == nullptr) return TokenRefused("payload: no JSON object");
  Claims claims;
  Status status = CheckRules(*members, rules);
  if (status.ok()) status = CheckNotBefore(*members, now);
  if (status.ok()) status = ReadUser(*members, claims);
  if (status.ok()) status = ReadRights(*members, claims);
  if (status.ok()) status = ReadExpiry(*members, claims);
  // Last, so that only a token that was good is told apart.
  if (status.ok() && now >= claims.expires_at) status = TokenExpired();
  if (!status.ok()) return status;
  return claims;
}

}  // namespace ackwire
