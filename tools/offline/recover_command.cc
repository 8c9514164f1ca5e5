#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <span>
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

// Runs of lost seqs that are printed without --all.
constexpr std::size_t kShownDefault = 100;

struct RecoverArguments {
  std::string directory;
  bool accept_loss = false;
  bool all = false;
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
  const auto if_accepted = [accepted](const std::string& text) {
    return accepted ? boost::json::value(boost::json::string(text)) : boost::json::value();
  };
  boost::json::array files;
  for (const DamagedFile& file : report.files) {
    files.push_back({{"file", file.file}, {"damage", file.damage}});
  }
  boost::json::array subscriptions;
  for (const LostSubscription& each : report.subscriptions) {
    subscriptions.push_back({{"client", each.client}, {"channel", each.channel}});
  }
  return boost::json::serialize(
      boost::json::object{{"directory", report.directory},
                          {"found", report.found},
                          {"accepted", accepted},
                          {"keptAs", if_accepted(report.kept_as)},
                          {"epoch", if_accepted(report.epoch)},
                          {"messages", report.messages},
                          {"journalRecords", report.journal_records},
                          {"lost", std::move(lost)},
                          {"lostPositionsUnknown", ToJson(report.unknown)},
                          {"lostPositionsBehindTheEnd", ToJson(report.behind_the_end)},
                          {"lostJournalRecords", ToJson(report.journal)},
                          {"lostSubscriptions", std::move(subscriptions)},
                          {"endIsKnown", report.end_is_known},
                          {"eventsChanged", report.events_changed},
                          {"eventsSalvaged", report.events_salvaged},
                          {"files", std::move(files)}});
}

void PrintSubscriptions(const RecoveryReport& report, std::size_t shown_max, bool color) {
  if (report.subscriptions.empty()) return;
  Table lost({{"LOST SUBSCRIPTION OF"}, {"TO"}});
  const std::size_t shown = std::min(report.subscriptions.size(), shown_max);
  for (const LostSubscription& each : std::span(report.subscriptions).first(shown)) {
    lost.AddRow({each.client, each.channel});
  }
  fmt::print("{}", lost.Render(color));
  if (shown < report.subscriptions.size()) {
    fmt::print("… and {} more; --all shows them\n", report.subscriptions.size() - shown);
  }
  fmt::print(
      "Who had unsubscribed may be among them. What the others were owed is owed to nobody. They "
      "begin anew when the client connects with them, "
      "or by ackctl subscribe CLIENT CHANNEL --from SEQ.\n");
}

void PrintLost(const RecoveryReport& report, std::size_t shown_max, bool color) {
  Table lost({{"LOST"}, {"SEQS OR RECORDS", Align::kRight}, {"POSITIONS BETWEEN", Align::kRight}});
  const std::size_t shown = std::min(report.lost.size(), shown_max);
  for (const LostRun& run : std::span(report.lost).first(shown)) {
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
  if (!report.no_place_lost()) fmt::print("{}", lost.Render(color));
  if (shown < report.lost.size()) {
    fmt::print("… and {} more; --all shows them\n", report.lost.size() - shown);
  }
  if (!report.behind_the_end.empty() || CountOf(report.journal) > 0) {
    fmt::print(
        "What was written in the last 100 ms before the damage may be lost too: nothing tells "
        "of it.\n");
  }
  PrintSubscriptions(report, shown_max, color);
  if (!report.journal.empty()) {
    fmt::print(
        "The journal's lost records said what became of deliveries. {} told by the ledger's rows; "
        "what else those who are still subscribed acknowledged in them is delivered again.\n",
        Count(report.events_salvaged, "event") + (report.events_salvaged == 1 ? " is" : " are"));
  }
  if (report.events_changed > 0) {
    fmt::print("{} of the journal named what is lost, and no longer do.\n",
               Count(report.events_changed, "event"));
  }
}

void Print(const RecoveryReport& report, std::size_t shown_max, bool color) {
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
    PrintLost(report, shown_max, color);
  }
  if (!report.end_is_known) {
    fmt::print(
        "Whether more was answered after what is left, nobody can tell: the watermark, which says "
        "how far the log went, is missing or damaged.\n");
  }
}

void Run(const Context& context, const RecoverArguments& arguments) {
  // Absolute, so that what it says holds also when it stands in the directory that is moved aside.
  const auto directory = OpenDirectory(std::filesystem::absolute(arguments.directory));
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
  Print(report, arguments.all ? report.lost.size() : kShownDefault, context.output.color);
  if (in_order) {
    fmt::print("There is nothing to recover in {}: nothing was changed.\n", report.directory);
  } else if (accept) {
    fmt::print(
        "Recovered: {} starts a new epoch, {}.\nWhat was damaged is kept as {}; this report is in "
        "{}/recovery-report.json.\n",
        report.directory, report.epoch, report.kept_as, report.directory);
  } else {
    fmt::print(
        "Nothing was changed. To go on with what is left, as a new epoch: ackctl recover {} "
        "--accept-loss\n",
        ShellQuoted(report.directory));
  }
}

}  // namespace

void AddRecover(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "recover", "See what is left of a damaged data directory, and go on with that");
  const auto arguments = std::make_shared<RecoverArguments>();
  command->add_option("DATA_DIR", arguments->directory, "The damaged data directory")->required();
  command->add_flag("--accept-loss", arguments->accept_loss,
                    "Put what is left in its place, as a new epoch. What was damaged is kept "
                    "beside it, as DATA_DIR.damaged-TIME");
  command->add_flag("--all", arguments->all,
                    "Print all lost seqs, not only the first 100 runs of them");
  command->footer(
      "Example: ackctl recover ./ackwire-data\n"
      "Without --accept-loss it only says what would be lost. It makes what is left beside "
      "DATA_DIR, as\nDATA_DIR.recovering-TIME, which takes twice the room of the data; what stays "
      "of one that was\ncut off may be removed.");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
