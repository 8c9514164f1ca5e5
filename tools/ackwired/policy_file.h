// The channel policies of the file that --config names, in TOML. Its other keys are read by
// settings_file.h.
//
// Threads: any.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "delivery/policies.h"
#include "store/status.h"

namespace ackwire {

// In the order of the file. What a pattern leaves out has the flag's value or the default. A schema
// is looked for beside the file.
//   kInvalidArgument  names file, line and key, what was wrong and what would be right
//   kNotFound         the file, or a schema it names, cannot be read
[[nodiscard]] StatusOr<std::vector<ChannelPattern>> ReadPolicyFile(
    const std::filesystem::path& file, const DeliveryPolicy& flags);

// The tables of a file that ReadPolicyFile takes, as TOML. Schemas have their full paths, so that
// it means the same in any place.
[[nodiscard]] StatusOr<std::string> ShowPolicies(const std::filesystem::path& file);

}  // namespace ackwire
