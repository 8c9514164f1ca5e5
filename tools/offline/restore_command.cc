#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>

#include "store/backup_manifest.h"
#include "store/proto_time.h"
#include "store/restore.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"
#include "tools/ackwired/system_clock.h"
#include "tools/offline/open_directory.h"
#include "tools/offline/stage_progress.h"
#include "tools/offline/verification.h"

namespace ackwire::ctl {
namespace {

struct RestoreArguments {
  std::string backup;
  std::string data_directory;
  bool no_verify = false;
  VerificationOptions verification;
};

std::string TimeText(std::int64_t ms) {
  google::protobuf::Timestamp time;
  SetTime(time, FromUnixMs(ms));
  return FormatTime(time);
}

void PrintJson(const RestoreArguments& arguments, const Restore& restore,
               const std::optional<Verification>& verification) {
  const store::BackupManifest& manifest = restore.manifest();
  boost::json::object out{{"backup", arguments.backup},
                          {"directory", arguments.data_directory},
                          {"id", manifest.id()},
                          {"madeAt", TimeText(manifest.made_at_ms())},
                          {"version", manifest.version()},
                          {"position", manifest.position()},
                          {"journalNumber", manifest.journal_number()},
                          {"epochBefore", manifest.epoch()},
                          {"epoch", restore.epoch()},
                          {"files", manifest.files_size()},
                          {"bytes", BytesOf(manifest)},
                          {"verified", verification.has_value()}};
  if (verification) out["verification"] = ToJson(*verification);
  fmt::print("{}\n", boost::json::serialize(out));
}

void Print(const RestoreArguments& arguments, const Restore& restore, const Output& output) {
  const store::BackupManifest& manifest = restore.manifest();
  Facts facts;
  facts.Add("Restored", arguments.data_directory);
  facts.Add("Backup", fmt::format("{}, made {} by ackwired {}", manifest.id(),
                                  TimeText(manifest.made_at_ms()), manifest.version()));
  facts.Add("Last position", fmt::to_string(manifest.position()));
  facts.Add("Journal record", fmt::to_string(manifest.journal_number()));
  facts.Add("Size", fmt::format("{} in {}", FormatBytes(BytesOf(manifest)),
                                Count(static_cast<std::size_t>(manifest.files_size()), "file")));
  facts.Add("Epoch",
            fmt::format("{}, a new one; before it was {}", restore.epoch(), manifest.epoch()));
  fmt::print("{}Next: ackwired --data-dir {}\n", facts.Render(output.color),
             ShellQuoted(arguments.data_directory));
}

void Run(const Context& context, const RestoreArguments& arguments) {
  const SystemClock clock;
  StageProgress progress;
  const auto restore = Restore::Prepare(
      arguments.backup, arguments.data_directory,
      {.clock = clock,
       .seed = RandomSeed(),
       .boot_id = BootId(),
       .progress = [&](const std::string& stage, std::uint64_t done, std::uint64_t total) {
         progress.Update(stage, done, total);
       }});
  progress.Clear();
  Require(restore.status());
  std::optional<Verification> verification;
  if (!arguments.no_verify) {
    verification = VerifyShown(context.output, (*restore)->made(), arguments.verification);
    if (!context.output.json) Print(*verification, arguments.verification);
    RequireNoDifference(arguments.data_directory, *verification);
  }
  Require((*restore)->Accept());
  if (context.output.json) {
    PrintJson(arguments, **restore, verification);
  } else {
    Print(arguments, **restore, context.output);
  }
}

}  // namespace

void AddRestore(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("restore", "Make a data directory of a backup");
  const auto arguments = std::make_shared<RestoreArguments>();
  command->add_option("DIR", arguments->backup, "The backup, which is not changed")->required();
  command
      ->add_option("DATA_DIR", arguments->data_directory,
                   "Made; where there is one already, it must be empty")
      ->required();
  command->add_flag("--no-verify", arguments->no_verify,
                    "Only compare checksums: do not fold log and journal again");
  AddVerificationOptions(*command, arguments->verification);
  command->footer(
      "Example: ackctl restore /backup/monday ./ackwire-data\n"
      "What is restored begins a new epoch: clients learn that they may have seen more than it "
      "holds.");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
