// What is asked of a history: apart from its answer, which needs a store.
#include <algorithm>

#include "delivery/http_history.h"
#include "store/limits.h"

namespace ackwire {
namespace {

Status SetRange(const HttpTarget& target, ReadRange& range) {
  const auto given = [&](const char* name) -> const std::string* {
    const auto found = target.query.find(name);
    return found == target.query.end() ? nullptr : &found->second;
  };
  range.messages_max = kHistoryLimitDefault;
  if (const std::string* text = given("from")) {
    const auto from = ParseWhole("from", *text, {});
    if (!from.ok()) return from.status();
    range.from = *from;
  }
  if (const std::string* text = given("limit")) {
    const auto limit = ParseWhole("limit", *text, {1, kHistoryLimitMax});
    if (!limit.ok()) return limit.status();
    range.messages_max = *limit;
  }
  if (const std::string* text = given("reverse")) {
    if (*text != "true" && *text != "false") {
      return InvalidArgument("reverse: must be true or false");
    }
    if (*text == "true") range.direction = Direction::kReverse;
  }
  return OkStatus();
}

}  // namespace

bool MatchesAny(std::string_view if_none_match, std::string_view etag) {
  constexpr std::string_view kSpace = " \t";
  while (!if_none_match.empty()) {
    const std::size_t comma = if_none_match.find(',');
    std::string_view tag = if_none_match.substr(0, comma);
    if_none_match.remove_prefix(comma == std::string_view::npos ? tag.size() : comma + 1);
    tag.remove_prefix(std::min(tag.find_first_not_of(kSpace), tag.size()));
    tag = tag.substr(0, tag.find_last_not_of(kSpace) + 1);
    if (tag.substr(0, 2) == "W/") tag.remove_prefix(2);
    if (tag == "*" || tag == etag) return true;
  }
  return false;
}

StatusOr<HistoryQuestion> ParseHistoryQuestion(const HttpRequest& request, const HttpTarget& target,
                                               const MessagesPath& path) {
  if (Status status = CheckChannelName(path.channel); !status.ok()) return status;
  HistoryQuestion question;
  question.channel = path.channel;
  question.if_none_match = request.Header("If-None-Match");
  if (path.seq) {
    const StatusOr<Seq> seq = ParseSeq(*path.seq);
    if (!seq.ok()) return seq.status();
    question.seq = *seq;
  } else if (Status status = SetRange(target, question.range); !status.ok()) {
    return status;
  }
  return question;
}

}  // namespace ackwire
