#pragma once

#include <filesystem>
#include <memory>

#include "store/data_directory.h"
#include "store/status.h"
#include "tools/ackctl/command_error.h"

namespace ackwire::ctl {

// The data directory, locked. Throws CommandError when there is none, when a server or another
// command has it, or when it is of another format.
std::unique_ptr<DataDirectory> OpenDirectory(const std::filesystem::path& path);

// Throws what is wrong as a CommandError; nothing when all is well.
void Require(const Status& status);

}  // namespace ackwire::ctl
