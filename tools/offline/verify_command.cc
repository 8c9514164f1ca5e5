#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "store/backup_manifest.h"
#include "tools/ackctl/command.h"
#include "tools/offline/open_directory.h"
#include "tools/offline/stage_progress.h"
#include "tools/offline/verification.h"

namespace ackwire::ctl {
namespace {

struct VerifyArguments {
  std::string directory;
  VerificationOptions verification;
};

void Run(const Context& context, const VerifyArguments& arguments) {
  const bool is_backup = IsBackup(arguments.directory);
  const auto directory =
      is_backup ? OpenBackup(arguments.directory) : OpenDirectory(arguments.directory);
  if (is_backup) (void)CheckBackupFiles(*directory);
  const Verification verification = VerifyShown(context.output, *directory, arguments.verification);
  if (context.output.json) {
    fmt::print("{}\n", boost::json::serialize(ToJson(verification)));
  } else {
    Print(verification, arguments.verification);
  }
  RequireNoDifference(arguments.directory, verification);
}

}  // namespace

void AddVerify(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "verify",
      "Prove that a data directory, or a backup, holds what it should; no server may have it open");
  const auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("DATA_DIR", arguments->directory, "The data directory, or the backup")
      ->required();
  AddVerificationOptions(*command, arguments->verification);
  command->footer(
      "Example: ackctl verify ./ackwire-data\nExit status 1 when something differs. It changes "
      "nothing, but takes the directory's lock. What to do\nabout differences: ackctl recover "
      "DATA_DIR says what is lost.");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { Run(context, *arguments); };
  });
}

}  // namespace ackwire::ctl
