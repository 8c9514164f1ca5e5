// What a request of HTTP has before its body: the target, which is path and query, and the values
// in them. The first letter says what the rest is:
//
//   h  the head of a request, and what comes behind it
//   v  a value: of Host, Origin or Last-Event-ID
//   s  Last-Event-ID, a line end, and a target: what is asked of an event stream
//   m  If-None-Match, a line end, and a target: what is asked of the history
//   p  method, Idempotency-Key, traceparent and target, each with a line end, and a body: a publish
//
// And all of it is a target, whatever that letter is.
#include <algorithm>

#include "delivery/allowed_hosts.h"
#include "delivery/allowed_origins.h"
#include "delivery/event_encoder.h"
#include "delivery/event_stream_request.h"
#include "delivery/http_head.h"
#include "delivery/http_history.h"
#include "delivery/http_publish.h"
#include "delivery/http_target.h"
#include "delivery/payload_form.h"
#include "delivery/replay_name.h"
#include "delivery/traceparent.h"
#include "store/limits.h"
#include "tests/fuzz/error_checks.h"

namespace ackwire::fuzz {
namespace {

std::string Percent(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
  }
  return out;
}

// The same target, with every byte of a name or value in its longest spelling.
std::string Spelled(const HttpTarget& target) {
  std::string out;
  for (const std::string& each : target.segments) out += "/" + Percent(each);
  char between = '?';
  for (const auto& [name, value] : target.query) {
    out += between + Percent(name) + "=" + Percent(value);
    between = '&';
  }
  return out;
}

void CheckWhole(std::string_view text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  const StatusOr<std::uint64_t> value = ParseWhole("limit", text, {.low = 2, .high = 1000});
  if (value.ok()) {
    CHECK(digits && *value >= 2 && *value <= 1000, "digits alone, within the bounds");
    const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size());
    CHECK(text.substr(zeros) == std::to_string(*value), "and that number");
  } else {
    CheckRefusal(value.status());
  }
  const StatusOr<Seq> seq = ParseSeq(text);
  CHECK(!value.ok() || (seq.ok() && seq->value == *value), "a seq has wider bounds");
  CHECK(!seq.ok() || (digits && seq->value > 0), "a seq is a number, from 1");
}

void CheckReplayName(std::string_view text) {
  const std::optional<ReplayId> id = ParseReplayName(text);
  if (!id) return;
  CHECK(id->value != 0, "zero is no replay");
  CHECK(ParseReplayName(NameOf(*id)) == id, "a replay has its name");
  CHECK(NameOf(*id).size() <= text.size(), "which is the shortest");
}

void CheckHeaders(std::string_view text) {
  if (IsTraceparent(text)) {
    CHECK(text.size() >= 55 && text[2] == '-' && text[35] == '-' && text[52] == '-', "its shape");
    CHECK(text.find_first_not_of("0123456789abcdef-") >= 55, "in lower-case hexadecimal");
    CHECK(!text.starts_with("00") || text.size() == 55, "version 0 has nothing behind it");
  }
  const std::string_view type = MediaTypeOf(text);
  CHECK(text.starts_with(type) && MediaTypeOf(type) == type, "a media type is what it begins with");
  CHECK(FormOf(type) == FormOf(text), "parameters say nothing of the form");
}

void CheckValue(std::string_view text) {
  CheckWhole(text);
  CheckReplayName(text);
  CheckHeaders(text);
}

void CheckTarget(std::string_view text) {
  const StatusOr<HttpTarget> target = ParseTarget(text);
  if (!target.ok()) {
    CHECK(target.status().code() == StatusCode::kInvalidArgument, "400");
    return CheckRefusal(target.status());
  }
  CHECK(!target->segments.empty(), "a path has a segment, if an empty one");
  const StatusOr<HttpTarget> again = ParseTarget(Spelled(*target));
  CHECK(again.ok(), "another spelling of it is taken");
  CHECK(again->segments == target->segments && again->query == target->query, "for the same");
  if (const auto messages = MessagesPathOf(*target)) {
    CHECK(messages->channel == target->segments[2], "the channel stands there");
    CHECK(messages->seq.has_value() == (target->segments.size() > 4), "so does the seq");
    CHECK(!messages->receipts || messages->seq, "receipts are of one message");
  }
  for (const std::string& each : target->segments) {
    CHECK(each != ".." || LeadsUpwards(text), "what leads upwards is known for it");
    CheckValue(each);
  }
  for (const auto& [name, value] : target->query) CheckValue(value);
}

std::size_t CountOf(std::string_view part, std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void CheckRequestHead(std::string_view bytes) {
  const std::optional<std::size_t> end = FindHeadEnd(bytes);
  if (!end) return;
  CHECK(*end <= bytes.size(), "a head is of what came");
  for (const std::size_t seen : {*end / 2, *end - 1}) {
    CHECK(FindHeadEnd(bytes, seen) == end, "however it came");
  }
  const std::string_view head = bytes.substr(0, *end);
  const HeadRefusal refusal = CheckHead(head);
  if (refusal.status != 0) {
    CHECK(refusal.status == 400 || refusal.status == 431, "400 or 431");
    return CheckRefusal(InvalidArgument(refusal.message));
  }
  CHECK(CountOf("\n", head) == CountOf("\r\n", head), "no bare LF");
  CHECK(CountOf("\r", head) == CountOf("\r\n", head), "no bare CR");
  CHECK(CountOf("\r\n", head) <= kHttpFieldsMax + 2, "at most 100 fields");
  CHECK(head.find('\0') == head.npos, "nothing that ends a text early");
  std::string lower(head);
  std::transform(head.begin(), head.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::size_t lengths = CountOf("\ncontent-length:", lower);
  CHECK(lengths + CountOf("\ntransfer-encoding:", lower) <= 1, "one way to say how long it is");
  CHECK(CountOf("\nhost:", lower) <= 1, "one host");
  CHECK(CountOf("\n ", head) + CountOf("\n\t", head) == 0, "each field in a line");
}

void CheckHost(const std::string& text) {
  const StatusOr<std::string> name = ParseHostName(text);
  if (!name.ok()) return CheckRefusal(name.status());
  const AllowedHosts hosts("127.0.0.1", {*name});
  const std::string host = name->find(':') == name->npos ? *name : "[" + *name + "]";
  CHECK(hosts.Allows(host, "10.0.0.1"), "a name that is allowed is");
  CHECK(hosts.Allows(host + ":8080", "10.0.0.1"), "with any port");
  CHECK(!hosts.Allows("x" + host, "10.0.0.1"), "and no other");
}

void CheckOrigin(const std::string& text) {
  using Origin = AllowedOrigins::Origin;
  const AllowedOrigins nobody({}, "https");
  CHECK(nobody.Judge({.values = {text}, .host = "h"}) != Origin::kAllowed, "none unless named");
  CHECK(nobody.Judge({.values = {text, text}, .host = text}) == Origin::kForeign, "nor doubled");
  const StatusOr<std::string> origin = ParseOrigin(text);
  if (!origin.ok()) return CheckRefusal(origin.status());
  CHECK(*origin == text, "an origin has one spelling");
  const AllowedOrigins origins({*origin}, "https");
  CHECK(origins.Judge({.values = {text}, .host = "*"}) == Origin::kAllowed, "it is let in");
  CHECK(origins.Judge({.values = {text + "0"}, .host = "*"}) == Origin::kForeign, "no other is");
}

void CheckLastEvent(std::string_view text) {
  const StatusOr<LastEvent> event = ParseLastEvent("Last-Event-ID", text);
  if (!event.ok()) return CheckRefusal(event.status());
  const std::string id = event->session + ":" + std::to_string(event->delivery);
  const StatusOr<LastEvent> again = ParseLastEvent("Last-Event-ID", id);
  CHECK(again.ok() && again->session == event->session && again->delivery == event->delivery,
        "an event has its id");
}

void CheckHeaderValue(std::string_view text) {
  CheckHost(std::string(text));
  CheckOrigin(std::string(text));
  CheckLastEvent(text);
}

// Takes what stands before the next line end.
std::string TakeLine(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// The value of `channels` from which these are read.
std::string Joined(const std::vector<frame::Subscribe>& subscriptions) {
  std::string out;
  for (const frame::Subscribe& each : subscriptions) {
    if (!out.empty()) out += ',';
    for (const char c : each.channel)
      out += c == ',' ? "%2C" : c == '%' ? "%25" : std::string(1, c);
  }
  return out;
}

void CheckConnect(const frame::Connect& connect, const HttpRequest& request) {
  CHECK(CheckClientName(connect.client).ok(), "a client has a name");
  HttpTarget target{{"", "v1", "sse"}, ParseTarget(request.target)->query};
  for (const frame::Subscribe& each : connect.subscriptions) {
    CHECK(CheckChannelName(each.channel).ok(), "so has a channel");
    CHECK((each.start.kind == StartAt::Kind::kSeq) == (each.start.seq.value > 0), "from a seq");
  }
  target.query["channels"] = Joined(connect.subscriptions);
  HttpRequest spelled = request;
  spelled.target = Spelled(target);
  const StatusOr<EventStreamQuestion> again = ParseEventStreamRequest(spelled);
  CHECK(again.ok(), "what was read can be asked for");
  const auto same = [](const frame::Subscribe& a, const frame::Subscribe& b) {
    return a.channel == b.channel && a.start.seq == b.start.seq;
  };
  CHECK(std::equal(connect.subscriptions.begin(), connect.subscriptions.end(),
                   again->connect.subscriptions.begin(), again->connect.subscriptions.end(), same),
        "and is the same");
  CHECK(connect.resume.has_value() == again->connect.resume.has_value(), "so is what it resumes");
}

void CheckEventStream(std::string_view text) {
  const std::string last_event = TakeLine(text);
  const HttpRequest request{
      .method = "GET", .target = std::string(text), .headers = {{"Last-Event-ID", last_event}}};
  const StatusOr<EventStreamQuestion> question = ParseEventStreamRequest(request);
  if (question.ok()) return CheckConnect(question->connect, request);
  CHECK(question.status().code() == StatusCode::kInvalidArgument, "400");
  CheckRefusal(question.status());
}

void CheckHistory(std::string_view text) {
  const std::string tags = TakeLine(text);
  const bool any = tags.find('*') != tags.npos;
  CHECK(any || !MatchesAny(tags, "\"\n\""), "no list has what stands in no line");
  CHECK(MatchesAny(tags + ",\"tag\"", "\"tag\""), "one that is added is found");
  const StatusOr<HttpTarget> target = ParseTarget(text);
  if (!target.ok()) return;
  const auto path = MessagesPathOf(*target);
  if (!path) return;
  const HttpRequest request{.method = "GET", .headers = {{"If-None-Match", tags}}};
  const StatusOr<HistoryQuestion> question = ParseHistoryQuestion(request, *target, *path);
  if (!question.ok()) return CheckRefusal(question.status());
  CHECK(CheckChannelName(question->channel).ok(), "a channel has a name");
  CHECK(question->if_none_match == tags, "the tags are taken as they are");
  CHECK(question->seq.has_value() == path->seq.has_value(), "one message, or a range");
  const std::size_t limit = question->range.messages_max;
  CHECK(question->seq || (limit >= 1 && limit <= kHistoryLimitMax), "a page has bounds");
}

void CheckPublish(std::string_view text) {
  HttpRequest request{.method = TakeLine(text)};
  request.headers = {{"Idempotency-Key", TakeLine(text)}, {"traceparent", TakeLine(text)}};
  request.target = TakeLine(text);
  request.body = std::string(text);
  const StatusOr<HttpTarget> target = ParseTarget(request.target);
  if (!target.ok()) return;
  const auto path = MessagesPathOf(*target);
  if (!path) return;
  const StatusOr<PublishWork> work = MakePublish(request, *target, *path);
  if (!work.ok()) return CheckRefusal(work.status());
  const v1::Message& draft = work->draft;
  CHECK(CheckDraft(draft).ok(), "it may be stored");
  CHECK(draft.channel() == path->channel, "in the channel of its path");
  CHECK((draft.refers_to() > 0) == path->seq.has_value(), "about the message of its path");
  CHECK((draft.kind() == v1::KIND_DELETED) == (request.method == "DELETE"), "withdrawn by DELETE");
  const std::string& key = request.headers.front().second;
  CHECK(key.empty() || draft.message_id() == key, "by the id that its header has");
  const auto sender = target->query.find("sender");
  if (request.method == "DELETE" && sender != target->query.end() && !sender->second.empty()) {
    CHECK(draft.sender() == sender->second, "from who the query says");
  }
}

}  // namespace
}  // namespace ackwire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ackwire::fuzz;
  const std::string_view text = TextOf(data, size);
  CheckBy({{'h', CheckRequestHead},
           {'v', CheckHeaderValue},
           {'s', CheckEventStream},
           {'m', CheckHistory},
           {'p', CheckPublish}},
          text);
  CheckTarget(text);
  return 0;
}
