// ackbench: measures the server's parts on the machine it runs on.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tools/ackbench/command.h"

namespace ackwire::bench {
namespace {

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

int Run(int argc, char** argv) {
  CLI::App app("Measures Ackwire on this machine. Figures are of this run, nothing is kept.",
               "ackbench");
  app.footer(
      "Example: ackbench store --messages 1000000\n"
      "Each command has its own --help. Exit status: 0 measured, 1 something failed, 2 usage.");
  app.require_subcommand(1);
  app.fallthrough();  // -o may stand behind the command
  std::string format = "table";
  app.add_option("-o", format, "json: one document")
      ->check(CLI::IsMember({"table", "json"}))
      ->type_name("table|json")
      ->capture_default_str();
  Chosen chosen;
  AddStore(app, chosen);
  AddFill(app, chosen);
  AddStart(app, chosen);
  AddSubscribers(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return kExitDone;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "ackbench: {}\nSee ackbench --help.\n", error.what());
    return kExitUsage;
  }
  const char* no_color = std::getenv("NO_COLOR");
  const bool color = isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
  try {
    chosen({.json = format == "json", .color = color});
  } catch (const std::exception& error) {
    fmt::print(stderr, "ackbench: {}\n", error.what());
    return kExitFailed;
  }
  return kExitDone;
}

}  // namespace
}  // namespace ackwire::bench

int main(int argc, char** argv) { return ackwire::bench::Run(argc, argv); }
