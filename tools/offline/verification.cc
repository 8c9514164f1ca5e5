#include "tools/offline/verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tools/ackctl/command_error.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/offline/open_directory.h"
#include "tools/offline/stage_progress.h"

namespace ackwire::ctl {
namespace {

constexpr std::uint64_t kDifferencesShown = 100;

boost::json::value TextOrNull(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return boost::json::string(Escape(*text));
}

boost::json::object ToJson(const Difference& difference) {
  return {{"family", difference.family},
          {"key", Escape(difference.key)},
          {"stored", TextOrNull(difference.stored)},
          {"expected", TextOrNull(difference.expected)}};
}

std::string What(const Difference& difference) {
  if (!difference.stored) return "missing: " + Escape(*difference.expected);
  if (!difference.expected) return "unexpected: " + Escape(*difference.stored);
  return fmt::format("stored {}, expected {}", Escape(*difference.stored),
                     Escape(*difference.expected));
}

}  // namespace

void AddVerificationOptions(CLI::App& command, VerificationOptions& options) {
  command
      .add_option("--scratch", options.scratch,
                  "Where what is folded from log and journal is kept meanwhile; default $TMPDIR, "
                  "or /tmp")
      ->type_name("DIR");
  command.add_flag("--all", options.all, "Print every difference, not only the first 100");
}

Verification VerifyShown(const Output& output, const DataDirectory& directory,
                         const VerificationOptions& options) {
  Verification verification;
  StageProgress progress;
  std::uint64_t shown = 0;
  VerifyOptions wanted;
  wanted.scratch = options.scratch.empty() ? std::filesystem::temp_directory_path()
                                           : std::filesystem::path(options.scratch);
  wanted.differs = [&](const Difference& difference) {
    if (!options.all && shown++ >= kDifferencesShown) return;
    progress.Clear();  // what is printed starts on a line of its own
    if (output.json) {
      verification.shown.push_back(ToJson(difference));
    } else {
      fmt::print("{}: {}: {}\n", difference.family, Escape(difference.key), What(difference));
    }
  };
  wanted.progress = [&](const std::string& stage, std::uint64_t done, std::uint64_t total) {
    progress.Update(stage, done, total);
  };
  const StatusOr<VerifyReport> report = Verify(directory, wanted);
  progress.Clear();
  Require(report.status());
  verification.report = *report;
  return verification;
}

boost::json::object ToJson(const Verification& verification) {
  const VerifyReport& report = verification.report;
  return {{"messages", report.messages},        {"journalRecords", report.journal_records},
          {"derivedRows", report.derived_rows}, {"derivedCompared", report.derived_compared},
          {"readToEnd", report.read_to_end},    {"differences", report.differences},
          {"shown", verification.shown}};
}

void Print(const Verification& verification, const VerificationOptions& options) {
  const VerifyReport& report = verification.report;
  if (report.differences == 0) {
    fmt::print("verified: {}, {}, {}\n", Count(report.messages, "message"),
               Count(report.journal_records, "journal record"),
               Count(report.derived_rows, "derived row"));
    return;
  }
  if (!options.all && report.differences > kDifferencesShown) {
    fmt::print("… and {} more; --all shows them\n", report.differences - kDifferencesShown);
  }
  if (!report.read_to_end) {
    fmt::print(
        "log or journal cannot be read to the end, and what lies behind was not looked at: "
        "`ackctl recover` says what is lost\n");
  }
  if (!report.derived_compared) {
    fmt::print(
        "the derived families were not compared: log or journal, from which they are "
        "folded, differ\n");
  }
}

void RequireNoDifference(const std::filesystem::path& directory, const Verification& verification) {
  const std::uint64_t differences = verification.report.differences;
  if (differences == 0) return;
  throw CommandError(ExitStatus::kRefused,
                     fmt::format("{}: {}", directory.string(), Count(differences, "difference")));
}

}  // namespace ackwire::ctl
