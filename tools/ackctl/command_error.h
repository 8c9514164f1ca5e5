#pragma once

#include <stdexcept>
#include <string>

namespace ackwire::ctl {

// The exit statuses of ackctl. Scripts rely on them: add, never change.
enum class ExitStatus {
  kDone = 0,
  kRefused = 1,  // the server refused, or something differs
  kUsage = 2,
  kCannotConnect = 3,
};

// Ends the command: `what` is for the person, `status` for the shell.
class CommandError : public std::runtime_error {
 public:
  CommandError(ExitStatus status, const std::string& what)
      : std::runtime_error(what), status_(status) {}

  ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace ackwire::ctl
