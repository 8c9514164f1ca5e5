// Which known name was probably meant by one that is not known.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ackwire {

// The one that takes the fewest changed, missing and needless letters; none where that is more than
// a third of them. `-` and `_` are the same here.
[[nodiscard]] std::optional<std::string> NearestName(std::string_view name,
                                                     const std::vector<std::string>& known);

// `: is X meant?`; where there is none that was probably meant, `otherwise`.
[[nodiscard]] std::string Suggestion(std::string_view name, const std::vector<std::string>& known,
                                     const std::string& otherwise);

}  // namespace ackwire
