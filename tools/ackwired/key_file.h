// The keys of the file that --jwt-keys names: a JWK set.
//
// Threads: any.
#pragma once

#include <filesystem>
#include <memory>

#include "store/status.h"

namespace ackwire {

class JwkSet;

// Logs which keys it holds that are of no use here.
//   kInvalidArgument  names the file, the key and the field; never a value
//   kNotFound         the file cannot be read
[[nodiscard]] StatusOr<std::shared_ptr<const JwkSet>> ReadKeyFile(
    const std::filesystem::path& file);

}  // namespace ackwire
