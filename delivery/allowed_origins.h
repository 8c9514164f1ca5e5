// AllowedOrigins knows which pages' scripts may call the server from a browser: the server's own,
// and those of --allow-origin. Who sends no Origin is no page of another site.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/status.h"

namespace ackwire {

// A request's Origin, as it stands in its headers.
struct OriginHeaders {
  std::vector<std::string_view> values;
  std::string_view host;  // the header Host, which is allowed
};

class AllowedOrigins {
 public:
  // As ParseOrigin gives them. `scheme`: that of the listener.
  AllowedOrigins(std::vector<std::string> allowed, std::string scheme);

  enum class Origin {
    kNone,     // not from a page
    kOwn,      // from a page of this very host and port
    kAllowed,  // from another site that is let in
    kForeign,  // likewise, and it is not; or `null`; or doubled
  };
  [[nodiscard]] Origin Judge(const OriginHeaders& headers) const;

  // False: answers are the same to whoever asks.
  [[nodiscard]] bool any() const { return !allowed_.empty(); }

 private:
  const std::vector<std::string> allowed_;
  const std::string scheme_;
};

// `https://chat.example.com`, `http://localhost:3000`: as browsers write it, since it is compared
// letter by letter.
//   kInvalidArgument  it is none: has a path, a pattern, capitals, or the scheme's own port
[[nodiscard]] StatusOr<std::string> ParseOrigin(const std::string& text);

}  // namespace ackwire
