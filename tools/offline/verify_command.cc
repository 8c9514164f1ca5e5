#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "store/verify.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/progress_bar.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/offline/open_directory.h"

namespace ackwire::ctl {
namespace {

constexpr std::uint64_t kShownDefault = 100;

struct VerifyArguments {
  std::string directory;
  std::string scratch;
  bool all = false;
};

boost::json::value TextOrNull(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return boost::json::string(Escape(*text));
}

// Shows differences as they are found: as lines at once, for JSON gathered.
class Differences {
 public:
  Differences(const Output& output, bool all) : output_(output), all_(all) {}

  void Show(const Difference& difference) {
    if (!all_ && shown_ == kShownDefault) return;
    ++shown_;
    if (output_.json) {
      list_.push_back({{"family", difference.family},
                       {"key", Escape(difference.key)},
                       {"stored", TextOrNull(difference.stored)},
                       {"expected", TextOrNull(difference.expected)}});
      return;
    }
    fmt::print("{}: {}: {}\n", difference.family, Escape(difference.key), What(difference));
  }

  std::uint64_t shown() const { return shown_; }
  const boost::json::array& list() const { return list_; }

 private:
  static std::string What(const Difference& difference) {
    if (!difference.stored) return "missing: " + Escape(*difference.expected);
    if (!difference.expected) return "unexpected: " + Escape(*difference.stored);
    return fmt::format("stored {}, expected {}", Escape(*difference.stored),
                       Escape(*difference.expected));
  }

  const Output& output_;
  const bool all_;
  std::uint64_t shown_ = 0;
  boost::json::array list_;
};

void PrintResult(const Output& output, const VerifyReport& report, const Differences& found) {
  if (output.json) {
    fmt::print("{}\n", boost::json::serialize(
                           boost::json::object{{"messages", report.messages},
                                               {"journalRecords", report.journal_records},
                                               {"derivedRows", report.derived_rows},
                                               {"derivedCompared", report.derived_compared},
                                               {"differences", report.differences},
                                               {"shown", found.list()}}));
    return;
  }
  if (report.differences == 0) {
    fmt::print("verified: {}, {}, {}\n", Count(report.messages, "message"),
               Count(report.journal_records, "journal record"),
               Count(report.derived_rows, "derived row"));
    return;
  }
  if (found.shown() < report.differences) {
    fmt::print("… and {} more; --all shows them\n", report.differences - found.shown());
  }
  if (!report.derived_compared) {
    fmt::print(
        "the derived families were not compared: log or journal, from which they are "
        "folded, differ\n");
  }
}

void Run(const Context& context, const VerifyArguments& arguments) {
  const auto directory = OpenDirectory(arguments.directory);
  Differences found(context.output, arguments.all);
  std::optional<ProgressBar> bar;
  std::string stage;
  const std::size_t width = ProgressWidth();
  VerifyOptions options;
  options.scratch = arguments.scratch.empty() ? std::filesystem::temp_directory_path()
                                              : std::filesystem::path(arguments.scratch);
  options.differs = [&](const Difference& difference) {
    bar.reset();  // what is printed starts on a line of its own
    stage.clear();
    found.Show(difference);
  };
  options.progress = [&](const std::string& now, std::uint64_t done, std::uint64_t total) {
    if (stage != now) {
      stage = now;
      bar.emplace(total, width);
    }
    bar->Update(done);
  };
  const StatusOr<VerifyReport> report = Verify(*directory, options);
  bar.reset();
  Require(report.status());
  PrintResult(context.output, *report, found);
  if (report->differences > 0) {
    throw CommandError(ExitStatus::kRefused, fmt::format("{}: {}", arguments.directory,
                                                         Count(report->differences, "difference")));
  }
}

}  // namespace

void AddVerify(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "verify", "Prove that a data directory holds what it should; no server may have it open");
  const auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("DATA_DIR", arguments->directory)->required();
  command
      ->add_option("--scratch", arguments->scratch,
                   "Where what is folded from log and journal is kept meanwhile; default $TMPDIR, "
                   "or /tmp")
      ->type_name("DIR");
  command->add_flag("--all", arguments->all, "Print every difference, not only the first 100");
  command->footer("Example: ackctl verify ./ackwire-data\nExit status 1 when something differs.");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
