#include "delivery/allowed_origins.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <utility>

namespace ackwire {

AllowedOrigins::AllowedOrigins(std::vector<std::string> allowed, std::string scheme)
    : allowed_(std::move(allowed)), scheme_(std::move(scheme)) {}

AllowedOrigins::Origin AllowedOrigins::Judge(const OriginHeaders& headers) const {
  if (headers.values.empty()) return Origin::kNone;
  if (headers.values.size() > 1) return Origin::kForeign;
  const std::string origin(headers.values.front());
  const std::string own = scheme_ + "://" + absl::AsciiStrToLower(std::string(headers.host));
  if (origin == own) return Origin::kOwn;
  const bool allowed = std::find(allowed_.begin(), allowed_.end(), origin) != allowed_.end();
  return allowed ? Origin::kAllowed : Origin::kForeign;
}

StatusOr<std::string> ParseOrigin(const std::string& text) {
  const auto wrong = [&text](const std::string& why) {
    return InvalidArgument("must be an origin as browsers send it, such as " +
                           std::string("https://chat.example.com or http://localhost:3000: ") +
                           why + ", got \"" + text + "\"");
  };
  const std::size_t mark = text.find("://");
  const std::string scheme = text.substr(0, mark == std::string::npos ? 0 : mark);
  if (scheme != "http" && scheme != "https") return wrong("it begins with http:// or https://");
  const std::string host = text.substr(mark + 3);
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-._[]:";
  if (host.empty() || host.find_first_not_of(kLetters) != std::string::npos) {
    return wrong("behind that it has a host in lower case, and no path and no pattern");
  }
  const std::string own_port = scheme == "http" ? ":80" : ":443";
  if (host.ends_with(own_port)) return wrong("browsers leave out " + own_port);
  return text;
}

}  // namespace ackwire
