#include "tools/ackctl/selection_text.h"

#include <fmt/format.h>

#include "tools/ackctl/failure_filter.h"
#include "tools/ackctl/time_format.h"

namespace ackwire::ctl {
namespace {

// `of` has since and until.
std::string TimesText(const auto& of) {
  std::string text;
  if (of.has_since()) text += ", since " + FormatTime(of.since());
  if (of.has_until()) text += ", before " + FormatTime(of.until());
  return text;
}

std::string ReasonsText(const v1::FailureFilter& filter) {
  std::string text;
  for (const int reason : filter.reasons()) {
    text += (text.empty() ? ", for " : " or ") + ReasonText(static_cast<v1::Reason>(reason));
  }
  return text;
}

std::string FailedText(const v1::FailureFilter& filter) {
  std::string of;
  const auto add = [&of](const char* what, const std::string& name) {
    if (!name.empty()) of += fmt::format("{}{} {}", of.empty() ? " of " : ", ", what, name);
  };
  add("client", filter.client());
  add("channel", filter.channel());
  add("message id", filter.message_id());
  const std::string rest =
      ReasonsText(filter) + TimesText(filter) + (filter.open_only() ? ", open ones only" : "");
  return of.empty() && rest.empty() ? "all failed ones" : "failed ones" + of + rest;
}

std::string RangeText(const v1::RangeSelection& range) {
  std::string text = range.channel();
  if (range.from_seq() != 0) text += fmt::format(" from seq {}", range.from_seq());
  if (range.to_seq() != 0) text += fmt::format(" to seq {}", range.to_seq());
  if (!range.client().empty()) text += ", to client " + range.client();
  return text + TimesText(range) + (range.include_acked() ? ", acknowledged ones too" : "");
}

}  // namespace

std::string SelectionText(const v1::ReplaySelection& selection) {
  return selection.has_range() ? RangeText(selection.range()) : FailedText(selection.failed());
}

}  // namespace ackwire::ctl
