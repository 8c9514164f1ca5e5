#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "ackwire/v1/deliveries.grpc.pb.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/connection.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/table.h"
#include "tools/ackctl/text.h"
#include "tools/ackctl/time_format.h"
#include "tools/offline/open_directory.h"
#include "tools/offline/stage_progress.h"
#include "tools/offline/verification.h"

namespace ackwire::ctl {
namespace {

struct BackupArguments {
  std::string directory;
  bool no_verify = false;
  VerificationOptions verification;
};

// Asks the server, which copies, and checks that it would start with the copy.
v1::BackupSummary Ask(const Context& context, const std::filesystem::path& directory) {
  const Connection connection(context.connection);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  const auto call = connection.NewContext();
  v1::BackupRequest request;
  request.set_directory(directory);
  const auto stream = stub->Backup(call.get(), request);
  StageProgress progress;
  v1::BackupProgress message;
  v1::BackupSummary made;
  while (stream->Read(&message)) {
    if (message.has_backup()) {
      made = message.backup();
    } else {
      progress.Update(message.stage(), message.done_bytes(), message.total_bytes());
    }
  }
  progress.Clear();
  connection.Check("backup to " + directory.string(), stream->Finish());
  return made;
}

// The backup itself, as it can be seen from here.
std::unique_ptr<DataDirectory> OpenMade(const std::filesystem::path& directory,
                                        const v1::BackupSummary& made) {
  const std::string advice = fmt::format(
      "; the backup is made and checked by the server, but not verified: run `ackctl verify {}` "
      "where the server runs, or give --no-verify",
      Escape(directory.string()));
  try {
    std::unique_ptr<DataDirectory> backup = OpenBackup(directory);
    if (CheckBackupFiles(*backup).id() == made.id()) return backup;
  } catch (const CommandError& error) {
    throw CommandError(ExitStatus::kRefused, error.what() + advice);
  }
  throw CommandError(ExitStatus::kRefused,
                     Escape(directory.string()) + " is another backup here" + advice);
}

void PrintJson(const std::filesystem::path& directory, const v1::BackupSummary& made,
               const std::optional<Verification>& verification) {
  boost::json::object out = boost::json::parse(ToJson(made)).as_object();
  out["directory"] = directory.string();
  out["verified"] = verification && verification->report.differences == 0;
  if (verification) out["verification"] = ToJson(*verification);
  fmt::print("{}\n", boost::json::serialize(out));
}

void PrintMade(const std::filesystem::path& directory, const v1::BackupSummary& made,
               const Output& output) {
  Facts facts;
  facts.Add("Backup", directory.string());
  facts.Add("Id", made.id());
  facts.Add("Made", FormatTime(made.made_at()));
  facts.Add("Last position", fmt::to_string(made.position()));
  facts.Add("Journal record", fmt::to_string(made.journal_number()));
  facts.Add("Epoch", made.epoch());
  facts.Add("Size",
            fmt::format("{} in {}", FormatBytes(made.bytes()), Count(made.files(), "file")));
  fmt::print("{}", facts.Render(output.color));
}

void Run(const Context& context, const BackupArguments& arguments) {
  const std::filesystem::path directory =
      std::filesystem::absolute(arguments.directory).lexically_normal();
  const v1::BackupSummary made = Ask(context, directory);
  if (!context.output.json) PrintMade(directory, made, context.output);
  std::optional<Verification> verification;
  if (!arguments.no_verify) {
    const auto backup = OpenMade(directory, made);
    verification = VerifyShown(context.output, *backup, arguments.verification);
    if (!context.output.json) Print(*verification, arguments.verification);
  }
  if (context.output.json) PrintJson(directory, made, verification);
  if (!verification || verification->report.differences == 0) return;
  if (!context.output.json) {
    fmt::print("{} is kept, but it is damaged as the server's data is.\n",
               Escape(directory.string()));
  }
  RequireNoDifference(directory, *verification);
}

}  // namespace

void AddBackup(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("backup", "Have the server copy its data, while it serves");
  const auto arguments = std::make_shared<BackupArguments>();
  command
      ->add_option("DIR", arguments->directory,
                   "On the server's machine; must not exist yet, or be empty")
      ->required();
  command->add_flag("--no-verify", arguments->no_verify,
                    "Do not fold log and journal of the copy again, to prove that it is whole");
  AddVerificationOptions(*command, arguments->verification);
  command->footer(
      "Example: ackctl backup /backup/monday\n"
      "On the disk of the data itself it shares files with it: that is safe from mistakes, and not "
      "from the loss of\nthe disk. Then: ackctl restore DIR DATA_DIR");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
