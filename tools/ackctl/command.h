#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <functional>
#include <string>

#include "tools/ackctl/connection.h"

// What a command of ackctl is: its arguments are declared to CLI11 by an Add…
// function; when it is the one chosen, `Chosen` holds what to run.
//
// A command has one thing to do when something fails: say so and end. So it
// throws CommandError, which main alone catches and turns into the exit status.
namespace ackwire::ctl {

// How results are shown.
struct Output {
  bool json = false;
  bool color = false;
  std::size_t width = 0;  // of the terminal; 0: stdout is not one
};

struct Context {
  ConnectionOptions connection;
  Output output;
};

using Chosen = std::function<void(const Context&)>;

// Digits only. CLI11 alone takes -1 for 2^64 - 1.
inline const CLI::Validator& WholeNumber() {
  static const CLI::Validator validator(
      [](const std::string& text) {
        const bool whole =
            !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
        return whole ? "" : "\"" + text + "\" is not a whole number";
      },
      "");
  return validator;
}

void AddStatus(CLI::App& app, Chosen& chosen);
void AddReplay(CLI::App& app, Chosen& chosen);
void AddPublish(CLI::App& app, Chosen& chosen);
void AddRead(CLI::App& app, Chosen& chosen);
void AddImport(CLI::App& app, Chosen& chosen);
void AddSubscribe(CLI::App& app, Chosen& chosen);
void AddUnsubscribe(CLI::App& app, Chosen& chosen);
void AddSubscriptions(CLI::App& app, Chosen& chosen);
void AddChannels(CLI::App& app, Chosen& chosen);
void AddClients(CLI::App& app, Chosen& chosen);
void AddClient(CLI::App& app, Chosen& chosen);
void AddExplain(CLI::App& app, Chosen& chosen);
void AddReceipts(CLI::App& app, Chosen& chosen);
void AddFailures(CLI::App& app, Chosen& chosen);
void AddPause(CLI::App& app, Chosen& chosen);
void AddResume(CLI::App& app, Chosen& chosen);
void AddDisconnect(CLI::App& app, Chosen& chosen);
void AddDismiss(CLI::App& app, Chosen& chosen);
void AddForget(CLI::App& app, Chosen& chosen);
void AddRedact(CLI::App& app, Chosen& chosen);
void AddDrain(CLI::App& app, Chosen& chosen);

// In tools/offline: they open a directory themselves.
void AddBackup(CLI::App& app, Chosen& chosen);
void AddRestore(CLI::App& app, Chosen& chosen);
void AddVerify(CLI::App& app, Chosen& chosen);
void AddRecover(CLI::App& app, Chosen& chosen);

}  // namespace ackwire::ctl
