#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "store/data_directory.h"
#include "store/verify.h"
#include "tools/ackctl/command.h"

// Verifying for people: progress on a terminal, differences as they are found.
namespace ackwire::ctl {

struct Verification {
  VerifyReport report;
  boost::json::array shown;  // differences, for JSON alone
};

struct VerificationOptions {
  std::string scratch;  // empty: $TMPDIR, or /tmp
  bool all = false;     // differences, not only the first 100
};
void AddVerificationOptions(CLI::App& command, VerificationOptions& options);

// Throws CommandError when the directory cannot be verified at all; what differs is in the report.
Verification VerifyShown(const Output& output, const DataDirectory& directory,
                         const VerificationOptions& options);

boost::json::object ToJson(const Verification& verification);
// "verified: 3 messages, …", or what was not said of the differences.
void Print(const Verification& verification, const VerificationOptions& options);

// Throws CommandError when something differs.
void RequireNoDifference(const std::filesystem::path& directory, const Verification& verification);

}  // namespace ackwire::ctl
