// ScratchDatabase is a database of its own, which is gone in the end.
//
// Threads: one.
#pragma once

#include <filesystem>
#include <memory>

#include "store/database.h"
#include "store/status.h"

namespace ackwire {

class ScratchDatabase {
 public:
  // In a new directory below `parent`.
  //   kUnavailable  nothing can be written there
  [[nodiscard]] static StatusOr<std::unique_ptr<ScratchDatabase>> Make(
      const std::filesystem::path& parent);
  ~ScratchDatabase();
  ScratchDatabase(const ScratchDatabase&) = delete;
  ScratchDatabase& operator=(const ScratchDatabase&) = delete;

  [[nodiscard]] Database& database() { return *database_; }

 private:
  explicit ScratchDatabase(std::filesystem::path path) : path_(std::move(path)) {}
  const std::filesystem::path path_;
  std::unique_ptr<Database> database_;
};

}  // namespace ackwire
