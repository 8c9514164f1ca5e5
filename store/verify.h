// Verify proves that a data directory holds what it should: every block's checksum is right, log
// and journal are whole and agree with the watermark, folding them from the beginning gives every
// row of the derived families, and the outbox has a row for each commit that the relay has yet to
// hand over. Nothing in the directory is changed.
//
// Threads: one; blocks on disk.
// Bounds:  folds into a database of its own, on disk; in memory are the channels and the newest
//          part of the fold.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "store/data_directory.h"
#include "store/difference.h"
#include "store/status.h"

namespace ackwire {

struct VerifyOptions {
  std::filesystem::path scratch;  // where the fold's database is made, and removed again
  DifferenceSink differs;
  // Of one stage, how far it is.
  std::function<void(const std::string& stage, std::uint64_t done, std::uint64_t total)> progress;
};

struct VerifyReport {
  std::uint64_t messages = 0;
  std::uint64_t journal_records = 0;
  std::uint64_t derived_rows = 0;
  std::uint64_t differences = 0;
  // False when log or journal differ: what is folded from them is not compared then.
  bool derived_compared = false;
  // False when log or journal cannot be read to the end: what lies behind was not looked at.
  bool read_to_end = false;
};

//   kNotFound     there is no database in it
//   kDataLoss     the database cannot be opened at all
//   kUnavailable  a directory cannot be read, or `scratch` not written
[[nodiscard]] StatusOr<VerifyReport> Verify(const DataDirectory& directory,
                                            const VerifyOptions& options);

}  // namespace ackwire
