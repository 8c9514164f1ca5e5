#include "delivery/http_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "delivery/message_json.h"
#include "store/limits.h"
#include "store/stub.h"

namespace ackwire {
namespace {

constexpr char kImmutable[] = "private, immutable, max-age=31536000";
constexpr char kPublicImmutable[] = "public, immutable, max-age=31536000";
constexpr char kRevalidate[] = "private, no-cache";

struct ChannelEnd {
  ChannelId id;  // zero: there is no such channel
  Seq last;
};

ChannelEnd EndOf(const Store& store, const std::string& channel) {
  return store.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(channel);
    return info == nullptr ? ChannelEnd{} : ChannelEnd{info->id, info->last};
  });
}

struct Page {
  std::vector<StoredMessage> messages;
  Seq next;  // zero: the end
};

Page PageOf(std::vector<StoredMessage> messages, const ReadRange& range, Seq last) {
  Page page{std::move(messages), {}};
  if (page.messages.empty()) return page;
  const Seq end = page.messages.back().seq();
  if (range.direction == Direction::kReverse) {
    page.next = Seq{end.value - 1};
  } else if (end < last) {
    page.next = Seq{end.value + 1};
  }
  return page;
}

// Whatever is written later, the same request gets the same page: it begins at a place that is
// named and there, and more comes after it.
bool IsPast(const Page& page, const ReadRange& range) {
  return page.next.value != 0 && page.messages.front().message.seq() == range.from;
}

// Epoch and channel say which messages, the seqs say which of them; `next` differs once the
// channel has grown, and what is left of them once some were removed.
std::string EtagOf(const std::string& epoch, ChannelId channel, const Page& page) {
  const std::uint64_t first = page.messages.empty() ? 0 : page.messages.front().seq().value;
  const std::uint64_t last = page.messages.empty() ? 0 : page.messages.back().seq().value;
  const auto left = std::count_if(page.messages.begin(), page.messages.end(),
                                  [](const StoredMessage& each) { return !IsStub(each); });
  const bool whole = static_cast<std::size_t>(left) == page.messages.size();
  return fmt::format("\"{}.{}.{}-{}.{}{}\"", epoch, channel.value, first, last, page.next.value,
                     whole ? "" : "." + std::to_string(left));
}

std::string BodyOf(const Page& page, const std::string& epoch) {
  std::string body = "{\"messages\":[";
  for (const StoredMessage& stored : page.messages) {
    if (IsStub(stored)) continue;  // there is nothing to show
    if (body.back() != '[') body += ',';
    body += EncodeMessage(stored.message);
  }
  const std::string next = page.next.value == 0 ? "null" : std::to_string(page.next.value);
  body += fmt::format(R"(],"next":{},"epoch":"{}"}})", next, epoch);
  return body;
}

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

HttpResponse ReadHistory(const Store& store, const HistoryQuestion& question) {
  const ChannelEnd channel = EndOf(store, question.channel);
  StatusOr<std::vector<StoredMessage>> messages = std::vector<StoredMessage>();
  if (channel.id.value != 0) messages = store.log().ReadChannel(channel.id, question.range);
  if (!messages.ok()) return ErrorResponse(messages.status());
  const Page page = PageOf(*std::move(messages), question.range, channel.last);
  const std::string etag = EtagOf(store.epoch(), channel.id, page);
  HttpResponse response = JsonResponse(200, {});
  if (MatchesAny(question.if_none_match, etag)) {
    response = {304, {}, {}};
  } else {
    response.body = BodyOf(page, store.epoch());
  }
  response.headers.emplace_back("ETag", etag);
  // A browser's cache must not show one what another was allowed to read.
  if (!question.is_public) response.headers.emplace_back("Vary", "Authorization");
  const char* const immutable = question.is_public ? kPublicImmutable : kImmutable;
  response.headers.emplace_back("Cache-Control",
                                IsPast(page, question.range) ? immutable : kRevalidate);
  return response;
}

HttpResponse ReadMessage(const Store& store, const HistoryQuestion& question) {
  const ChannelEnd channel = EndOf(store, question.channel);
  if (*question.seq > channel.last) {
    return ErrorResponse(
        Error(StatusCode::kNotFound, "seq: there is no seq " + std::to_string(question.seq->value) +
                                         " in " + question.channel + ", whose last is " +
                                         std::to_string(channel.last.value)));
  }
  const StatusOr<StoredMessage> stored = store.log().ReadSeq(channel.id, *question.seq);
  if (!stored.ok()) return ErrorResponse(stored.status());
  if (IsStub(*stored)) return ErrorResponse(GoneStatus(stored->message));
  return JsonResponse(200, EncodeMessage(stored->message));
}

}  // namespace ackwire
