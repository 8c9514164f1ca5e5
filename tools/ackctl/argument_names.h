#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

// Errors of the server name fields of the contract; who typed a command knows its arguments.
namespace ackwire::ctl {

// As its help has them: "--rate", "CLIENT".
std::vector<std::string> ArgumentsOf(const CLI::App& command);

// "selection.range.to_seq: …" as "--to: …", when that is one of the arguments; else as it is.
std::string NameArgument(const std::string& message, const std::vector<std::string>& arguments);

}  // namespace ackwire::ctl
