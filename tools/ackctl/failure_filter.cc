#include "tools/ackctl/failure_filter.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "tools/ackctl/command_error.h"
#include "tools/ackctl/json.h"
#include "tools/ackctl/time_format.h"
#include "tools/ackctl/time_option.h"

namespace ackwire::ctl {
namespace {

// The others say why a delivery waits, or is none.
bool IsOfFailures(v1::Reason reason) {
  return reason != v1::REASON_UNSPECIFIED &&
         (reason < v1::REASON_CLIENT_OFFLINE || reason > v1::REASON_BEFORE_SUBSCRIPTION);
}

v1::Reason ReasonOption(const std::string& text) {
  std::string known;
  const google::protobuf::EnumDescriptor& reasons = *v1::Reason_descriptor();
  for (int i = 0; i < reasons.value_count(); ++i) {
    const auto reason = static_cast<v1::Reason>(reasons.value(i)->number());
    if (!IsOfFailures(reason)) continue;
    const std::string name = EnumName(*reasons.value(i));
    if (name == text) return reason;
    known += (known.empty() ? "" : ", ") + name;
  }
  throw CommandError(
      ExitStatus::kUsage,
      fmt::format("--reason: \"{}\" is no reason of failures; there are {}", text, known));
}

}  // namespace

void AddFailureFilter(CLI::App& command, FailureFilterOptions& options) {
  command.add_option("--client", options.client, "Only of this client")->type_name("C");
  command
      .add_option("--channel", options.channel,
                  "Only of this channel; room/* for all that begin so")
      ->type_name("C");
  command.add_option("--id", options.id, "Only of the message with this id, with --channel")
      ->type_name("ID");
  command
      .add_option("--reason", options.reasons,
                  "Only for this reason: nack, ack_timeout, …; repeatable")
      ->type_name("R")
      ->allow_extra_args(false);
  command.add_option("--since", options.since, "Only what happened since: RFC 3339, or -15m")
      ->type_name("T");
  command.add_option("--until", options.until, "Only what happened before")->type_name("T");
  command.add_flag("--open", options.open,
                   "Only what is not made good: in backoff, parked or abandoned now");
}

v1::FailureFilter FilterOf(const FailureFilterOptions& options) {
  v1::FailureFilter filter;
  filter.set_client(options.client);
  filter.set_channel(options.channel);
  filter.set_message_id(options.id);
  for (const std::string& reason : options.reasons) filter.add_reasons(ReasonOption(reason));
  if (!options.since.empty()) *filter.mutable_since() = TimeOption("--since", options.since);
  if (!options.until.empty()) *filter.mutable_until() = TimeOption("--until", options.until);
  if (filter.has_since() && filter.has_until() && filter.since() >= filter.until()) {
    throw CommandError(ExitStatus::kUsage,
                       fmt::format("--until: {} is not after --since, {}: nothing lies between",
                                   FormatTime(filter.until()), FormatTime(filter.since())));
  }
  filter.set_open_only(options.open);
  return filter;
}

std::string ReasonText(v1::Reason reason) {
  if (reason == v1::REASON_UNSPECIFIED) return "";
  const auto* value = v1::Reason_descriptor()->FindValueByNumber(reason);
  return value == nullptr ? fmt::format("reason {}", static_cast<int>(reason)) : EnumName(*value);
}

std::string StateText(v1::DeliveryState state) {
  const auto* value = v1::DeliveryState_descriptor()->FindValueByNumber(state);
  return value == nullptr ? fmt::format("state {}", static_cast<int>(state)) : EnumName(*value);
}

}  // namespace ackwire::ctl
