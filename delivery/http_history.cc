#include "delivery/http_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "delivery/message_json.h"
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

}  // namespace

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
