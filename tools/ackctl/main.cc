// ackctl: the operator's tool. What it can do is what the contract says: it
// speaks gRPC to the server and knows nothing of its insides. The commands for
// a data directory without a server are apart, in tools/offline.

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "tools/ackctl/argument_names.h"
#include "tools/ackctl/command.h"
#include "tools/ackctl/command_error.h"
#include "tools/ackctl/usage.h"

namespace ackwire::ctl {
namespace {

constexpr std::size_t kColumnsDefault = 80;  // of a terminal that does not tell

struct GlobalOptions {
  ConnectionOptions connection;
  std::string format = "table";
  bool no_color = false;
};

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  options.connection.server = "127.0.0.1:7400";
  const auto host_and_port = [](const std::string& server) {
    const auto colon = server.rfind(':');
    const bool whole = colon != std::string::npos && colon > 0 && colon + 1 < server.size();
    return whole ? "" : "\"" + server + "\" is not HOST:PORT";
  };
  app.add_option("--server", options.connection.server, "Where ackwired serves gRPC")
      ->envname("ACKCTL_SERVER")
      ->check(CLI::Validator(host_and_port, ""))
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--token", options.connection.token,
                 "Bearer token, sent with every call; or ACKWIRE_TOKEN")
      ->envname("ACKCTL_TOKEN")
      ->type_name("TOKEN");
  app.add_option("--tls-ca", options.connection.tls_ca, "TLS, trusting these CAs (PEM)")
      ->type_name("FILE");
  auto* cert = app.add_option("--tls-cert", options.connection.tls_cert, "Client certificate (PEM)")
                   ->type_name("FILE");
  auto* key = app.add_option("--tls-key", options.connection.tls_key, "Its private key (PEM)")
                  ->type_name("FILE");
  cert->needs(key);
  key->needs(cert);
  app.add_option("-o", options.format, "json: one document, or one object a line for streams")
      ->check(CLI::IsMember({"table", "json"}))
      ->type_name("table|json")
      ->capture_default_str();
  app.add_flag("--no-color", options.no_color, "As the environment variable NO_COLOR");
}

void NameGlobalOptions(CLI::App& group) {
  for (CLI::App* command : group.get_subcommands([](CLI::App*) { return true; })) {
    command->footer(command->get_footer() +
                    "\nThe options of ackctl --help (--server, --token, -o json …) hold here too.");
    NameGlobalOptions(*command);
  }
}

void AddCommands(CLI::App& app, Chosen& chosen) {
  AddStatus(app, chosen);
  AddPublish(app, chosen);
  AddRead(app, chosen);
  AddImport(app, chosen);
  AddSubscribe(app, chosen);
  AddUnsubscribe(app, chosen);
  AddSubscriptions(app, chosen);
  AddChannels(app, chosen);
  AddClients(app, chosen);
  AddClient(app, chosen);
  AddExplain(app, chosen);
  AddReceipts(app, chosen);
  AddFailures(app, chosen);
  AddPause(app, chosen);
  AddResume(app, chosen);
  AddDisconnect(app, chosen);
  AddDismiss(app, chosen);
  AddForget(app, chosen);
  AddRedact(app, chosen);
  AddReplay(app, chosen);
  AddDrain(app, chosen);
  AddBackup(app, chosen);
  AddRestore(app, chosen);
  AddVerify(app, chosen);
  AddRecover(app, chosen);
  NameGlobalOptions(app);
}

std::size_t TerminalWidth() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kColumnsDefault;
}

std::string VariableOf(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Context ContextFor(const GlobalOptions& options) {
  Context context;
  context.connection = options.connection;
  context.output.json = options.format == "json";
  context.output.width = TerminalWidth();
  const char* terminal = std::getenv("TERM");
  const bool can_color = terminal != nullptr && std::string_view(terminal) != "dumb";
  context.output.color =
      context.output.width > 0 && can_color && !options.no_color && VariableOf("NO_COLOR").empty();
  return context;
}

ExitStatus Fail(ExitStatus status, const std::string& what) {
  fmt::print(stderr, "ackctl: {}\n", what);
  return status;
}

ExitStatus Run(int argc, char** argv) {
  CLI::App app(
      "The operator's tool of Ackwire: publish, read, subscribe, explain, list failures, back up;\n"
      "and without a server: restore, verify and recover what is on disk.",
      "ackctl");
  app.set_version_flag("--version", "ackctl " ACKWIRE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // inherited by the commands: global options may stand behind them
  GlobalOptions options;
  Chosen chosen;
  AddGlobalOptions(app, options);
  AddCommands(app, chosen);
  // After the commands, which would inherit it.
  app.footer(
      "Example: ackctl publish room/1 'hello'\n"
      "Each command has its own --help. Exit status: 0 done, 1 the server refused or "
      "something\ndiffers, 2 usage, 3 cannot connect.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return ExitStatus::kDone;
  } catch (const CLI::ParseError& error) {
    return Fail(ExitStatus::kUsage, UsageText(app, error));
  }
  if (options.connection.token.empty()) options.connection.token = VariableOf("ACKWIRE_TOKEN");
  options.connection.arguments = ArgumentsOf(ChosenCommand(app));
  try {
    chosen(ContextFor(options));
  } catch (const CommandError& error) {
    return Fail(error.status(), error.what());
  } catch (const std::exception& error) {
    return Fail(ExitStatus::kRefused, error.what());
  }
  return ExitStatus::kDone;
}

}  // namespace
}  // namespace ackwire::ctl

int main(int argc, char** argv) {
  using ackwire::ctl::ExitStatus;
  // The library's own log would stand between the lines of ours.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  ExitStatus status = ackwire::ctl::Run(argc, argv);
  // A full disk behind `> file` shows only here.
  if (std::fflush(stdout) != 0 && status == ExitStatus::kDone) {
    std::perror("ackctl: cannot write the result");
    status = ExitStatus::kRefused;
  }
  return static_cast<int>(status);
}
