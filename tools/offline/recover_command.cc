#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "store/recover.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackwired/system_clock.h"
#include "tools/offline/open_directory.h"

namespace ackwire::ctl {
namespace {

struct RecoverArguments {
  std::string directory;
  bool accept_loss = false;
};

std::string RunText(std::uint64_t first, std::uint64_t last) {
  return first == last ? fmt::to_string(first) : fmt::format("{} to {}", first, last);
}

std::string PlacesText(const LostRun& lost) {
  if (lost.first.value == 0) return "behind the end";
  return RunText(lost.first.value, lost.last.value);
}

std::uint64_t CountOf(const std::vector<NumberRun>& runs) {
  std::uint64_t count = 0;
  for (const NumberRun& run : runs) count += run.last - run.first + 1;
  return count;
}

boost::json::array ToJson(const std::vector<NumberRun>& runs) {
  boost::json::array out;
  for (const NumberRun& run : runs) out.push_back({{"first", run.first}, {"last", run.last}});
  return out;
}

std::string ToJson(const RecoveryReport& report, bool accepted) {
  boost::json::array lost;
  for (const LostRun& run : report.lost) {
    lost.push_back({{"channel", run.channel},
                    {"firstSeq", run.seqs.first.value},
                    {"lastSeq", run.seqs.last.value},
                    {"firstPosition", run.first.value},
                    {"lastPosition", run.last.value}});
  }
  boost::json::array files;
  for (const DamagedFile& file : report.files) {
    files.push_back({{"file", file.file}, {"damage", file.damage}});
  }
  return boost::json::serialize(
      boost::json::object{{"directory", report.directory},
                          {"found", report.found},
                          {"accepted", accepted},
                          {"keptAs", report.kept_as},
                          {"epoch", report.epoch},
                          {"messages", report.messages},
                          {"journalRecords", report.journal_records},
                          {"lost", std::move(lost)},
                          {"lostPositionsUnknown", ToJson(report.unknown)},
                          {"lostPositionsBehindTheEnd", ToJson(report.behind_the_end)},
                          {"lostJournalRecords", ToJson(report.journal)},
                          {"eventsChanged", report.events_changed},
                          {"eventsSalvaged", report.events_salvaged},
                          {"files", std::move(files)}});
}

void PrintLost(const RecoveryReport& report, bool color) {
  Table lost({{"LOST"}, {"SEQS OR RECORDS", Align::kRight}, {"POSITIONS", Align::kRight}});
  for (const LostRun& run : report.lost) {
    lost.AddRow({"channel " + run.channel, RunText(run.seqs.first.value, run.seqs.last.value),
                 PlacesText(run)});
  }
  for (const NumberRun& run : report.unknown) {
    lost.AddRow({"of a channel nobody knows", "", RunText(run.first, run.last)});
  }
  for (const NumberRun& run : report.behind_the_end) {
    lost.AddRow({"the end of the log", "", RunText(run.first, run.last)});
  }
  for (const NumberRun& run : report.journal) {
    lost.AddRow({"journal", RunText(run.first, run.last), ""});
  }
  fmt::print("{}", lost.Render(color));
  if (!report.behind_the_end.empty() || CountOf(report.journal) > 0) {
    fmt::print(
        "What was written in the last 100 ms before the damage may be lost too: nothing tells "
        "of it.\n");
  }
  if (!report.journal.empty()) {
    fmt::print(
        "The journal's lost records said what became of deliveries. {} told by the ledger's rows; "
        "what else was acknowledged in them is delivered again.\n",
        Count(report.events_salvaged, "event") + (report.events_salvaged == 1 ? " is" : " are"));
  }
  if (report.events_changed > 0) {
    fmt::print("{} of the journal named what is lost, and no longer do.\n",
               Count(report.events_changed, "event"));
  }
}

void Print(const RecoveryReport& report, bool color) {
  if (!report.found.empty()) fmt::print("Found: {}\n", Escape(report.found));
  if (!report.files.empty()) {
    Table files({{"FILE"}, {"DAMAGE"}});
    for (const DamagedFile& file : report.files) files.AddRow({file.file, file.damage});
    fmt::print("{}", files.Render(color));
  }
  fmt::print("Left: {}, {}.\n", Count(report.messages, "message"),
             Count(report.journal_records, "journal record"));
  if (report.nothing_lost()) {
    fmt::print("Nothing is lost.\n");
  } else {
    PrintLost(report, color);
  }
}

void Run(const Context& context, const RecoverArguments& arguments) {
  const auto directory = OpenDirectory(arguments.directory);
  if (arguments.accept_loss) Require(Recovery::CheckReplaceable(*directory));
  const SystemClock clock;
  const auto recovery =
      Recovery::Prepare(*directory, {.clock = clock, .seed = RandomSeed(), .boot_id = BootId()});
  Require(recovery.status());
  const RecoveryReport& report = (*recovery)->report();
  const bool in_order = report.found.empty() && report.files.empty() && report.nothing_lost();
  const bool accept = arguments.accept_loss && !in_order;
  const std::string json = ToJson(report, accept);
  if (accept) Require((*recovery)->Accept(json + "\n"));
  if (context.output.json) {
    fmt::print("{}\n", json);
    return;
  }
  Print(report, context.output.color);
  if (in_order) {
    fmt::print("There is nothing to recover in {}: nothing was changed.\n", report.directory);
  } else if (accept) {
    fmt::print(
        "Recovered: {} starts a new epoch, {}.\nWhat was damaged is kept as {}; this report is in "
        "{}/recovery-report.json.\n",
        report.directory, report.epoch, report.kept_as, report.directory);
  } else {
    fmt::print(
        "Nothing was changed. To go on without what is lost: ackctl recover {} "
        "--accept-loss\n",
        report.directory);
  }
}

}  // namespace

void AddRecover(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "recover", "See what is left of a damaged data directory, and go on with that");
  const auto arguments = std::make_shared<RecoverArguments>();
  command->add_option("DATA_DIR", arguments->directory)->required();
  command->add_flag("--accept-loss", arguments->accept_loss,
                    "Put what is left in its place, as a new epoch. What was damaged is kept "
                    "beside it, as DATA_DIR.damaged-TIME");
  command->footer(
      "Example: ackctl recover ./ackwire-data\n"
      "Without --accept-loss it only says what would be lost. It takes as much free disk as the "
      "data twice.");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
