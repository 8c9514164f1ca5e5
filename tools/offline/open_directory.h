#pragma once

#include <filesystem>
#include <memory>

#include "store/data_directory.h"
#include "store/records.pb.h"
#include "store/status.h"
#include "tools/ackctl/command_error.h"

namespace ackwire::ctl {

// The data directory, locked. Throws CommandError when there is none, when a server or another
// command has it, or when it is of another format.
std::unique_ptr<DataDirectory> OpenDirectory(const std::filesystem::path& path);

// The same of a backup, which takes no lock.
std::unique_ptr<DataDirectory> OpenBackup(const std::filesystem::path& path);
bool IsBackup(const std::filesystem::path& path);

// Holds each file of a backup against its manifest, which it returns. Throws CommandError, naming
// the file.
store::BackupManifest CheckBackupFiles(const DataDirectory& backup);

// Throws what is wrong as a CommandError; nothing when all is well.
void Require(const Status& status);

}  // namespace ackwire::ctl
