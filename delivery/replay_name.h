// A replay's id as people and programs see it: "r-" and the number in base 36.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/types.h"

namespace ackwire {

[[nodiscard]] std::string NameOf(ReplayId replay);
// None when it is no such name.
[[nodiscard]] std::optional<ReplayId> ParseReplayName(std::string_view name);

}  // namespace ackwire
