#pragma once

#include <CLI/CLI.hpp>
#include <string>

// What the command line was, and what is told of it when it was wrong.
namespace ackwire::ctl {

// The command that was chosen last: of `ackctl replay show`, show. `app` when none was.
const CLI::App& ChosenCommand(const CLI::App& app);

// What was wrong, and the page that would have helped.
std::string UsageText(const CLI::App& app, const CLI::ParseError& error);

}  // namespace ackwire::ctl
