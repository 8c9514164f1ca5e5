#include "store/scratch_database.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "store/data_directory.h"
#include "store/rng.h"

namespace ackwire {

StatusOr<std::unique_ptr<ScratchDatabase>> ScratchDatabase::Make(
    const std::filesystem::path& parent) {
  std::string pattern = (parent / "ackwire-verify-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    const std::error_code error(errno, std::generic_category());
    return Error(StatusCode::kUnavailable, "make a scratch directory in " + parent.string() + ": " +
                                               error.message() + "; give another with --scratch");
  }
  std::unique_ptr<ScratchDatabase> scratch(new ScratchDatabase(pattern));
  auto directory = DataDirectory::Open(scratch->path_);
  if (!directory.ok()) return directory.status();
  Rng rng(1);  // its epoch is nobody's
  auto database = Database::Open(*std::move(directory), {.rng = rng});
  if (!database.ok()) return database.status();
  scratch->database_ = *std::move(database);
  return scratch;
}

ScratchDatabase::~ScratchDatabase() {
  database_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ackwire
