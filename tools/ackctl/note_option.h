#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace ackwire::ctl {

// Why something is done that cannot be undone: required, and not empty.
inline void AddNote(CLI::App& command, std::string& note, const std::string& help) {
  command.add_option("--note", note, help)
      ->required()
      ->check(CLI::Validator(
          [](const std::string& text) { return text.empty() ? "it must not be empty" : ""; }, ""))
      ->type_name("TEXT");
}

}  // namespace ackwire::ctl
