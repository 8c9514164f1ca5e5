#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "tools/ackbench/command.h"

namespace ackwire::bench {

ScratchDirectory::ScratchDirectory(const std::filesystem::path& base) {
  std::string name = base / "ackbench-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(),
                            "make a directory below " + base.string() + " (--dir)");
  }
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ec;  // what cannot be removed stays; the figures are right all the same
  std::filesystem::remove_all(path_, ec);
}

}  // namespace ackwire::bench
