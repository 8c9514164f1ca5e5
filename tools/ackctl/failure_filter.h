#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"

// Which failures a command is about: the options that all such commands have.
namespace ackwire::ctl {

struct FailureFilterOptions {
  std::string client;
  std::string channel;
  std::string id;
  std::vector<std::string> reasons;
  std::string since;
  std::string until;
  bool open = false;
};

void AddFailureFilter(CLI::App& command, FailureFilterOptions& options);

// Throws CommandError (kUsage) when a time or a reason is none, or nothing can match.
v1::FailureFilter FilterOf(const FailureFilterOptions& options);

// "ack_timeout"; empty for REASON_UNSPECIFIED.
std::string ReasonText(v1::Reason reason);
std::string StateText(v1::DeliveryState state);

}  // namespace ackwire::ctl
