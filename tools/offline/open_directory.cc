#include "tools/offline/open_directory.h"

namespace ackwire::ctl {

std::unique_ptr<DataDirectory> OpenDirectory(const std::filesystem::path& path) {
  StatusOr<std::unique_ptr<DataDirectory>> directory = DataDirectory::OpenExisting(path);
  Require(directory.status());
  return *std::move(directory);
}

void Require(const Status& status) {
  if (!status.ok()) throw CommandError(ExitStatus::kRefused, MessageOf(status));
}

}  // namespace ackwire::ctl
