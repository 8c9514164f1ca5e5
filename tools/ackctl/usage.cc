#include "tools/ackctl/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tools/ackctl/text.h"

namespace ackwire::ctl {
namespace {

// "ackctl replay show".
std::string NameOf(const CLI::App& command) {
  const CLI::App* group = command.get_parent();
  return group == nullptr ? command.get_name() : NameOf(*group) + " " + command.get_name();
}

std::string CommandsOf(const CLI::App& group) {
  std::string names;
  for (const CLI::App* each : group.get_subcommands([](const CLI::App*) { return true; })) {
    names += (names.empty() ? "" : ", ") + each->get_name();
  }
  return names;
}

// Of a group of which no command was chosen. CLI11 leaves what it knows nothing of to the root.
std::string NoCommandText(const CLI::App& app, const CLI::App& group) {
  const std::vector<std::string> unknown = app.remaining();
  const auto is_option = [](const std::string& word) { return word.starts_with('-'); };
  const auto word = std::find_if_not(unknown.begin(), unknown.end(), is_option);
  if (word != unknown.end()) {
    return fmt::format("there is no command \"{} {}\"; there are {}", NameOf(group), Escape(*word),
                       CommandsOf(group));
  }
  if (unknown.empty()) return "give a command: " + CommandsOf(group);
  return "there is no option " + Escape(unknown.front());
}

bool IsRequiredError(const CLI::ParseError& error) {
  return error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
}

}  // namespace

const CLI::App& ChosenCommand(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : ChosenCommand(*chosen.front());
}

std::string UsageText(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = ChosenCommand(app);
  const bool lacks_command = IsRequiredError(error) && !CommandsOf(command).empty();
  return fmt::format("{}\nSee {} --help.",
                     lacks_command ? NoCommandText(app, command) : std::string(error.what()),
                     NameOf(command));
}

}  // namespace ackwire::ctl
