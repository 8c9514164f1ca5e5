#include "delivery/event_stream_request.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "delivery/event_encoder.h"
#include "store/limits.h"

namespace ackwire {
namespace {

using Query = std::map<std::string, std::string>;

// Empty when it is left out.
std::string ValueOf(const Query& query, const char* name) {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

StatusOr<StartAt> ParseFrom(const std::string& from) {
  if (from.empty() || from == "new") return StartAt{};
  if (from == "first") return StartAt{.kind = StartAt::Kind::kFirst};
  const StatusOr<std::uint64_t> seq = ParseWhole("from", from, {.low = 1});
  if (!seq.ok()) {
    return InvalidArgument("from: must be new, first or a seq, from 1, got \"" +
                           from.substr(0, kNameBytesMax) + "\"");
  }
  return StartAt{.kind = StartAt::Kind::kSeq, .seq = Seq{*seq}};
}

// A name as it stands between the commas. Any other `%` is itself.
std::string ChannelOf(std::string_view written) {
  constexpr std::size_t kEscape = 3;
  std::string channel;
  while (!written.empty()) {
    const std::string_view escape = written.substr(0, kEscape);
    if (escape == "%2C" || escape == "%2c" || escape == "%25") {
      channel += escape == "%25" ? '%' : ',';
      written.remove_prefix(kEscape);
    } else {
      channel += written.front();
      written.remove_prefix(1);
    }
  }
  return channel;
}

StatusOr<std::vector<frame::Subscribe>> ParseChannels(std::string_view channels,
                                                      const StartAt& start) {
  std::vector<frame::Subscribe> subscriptions;
  while (!channels.empty()) {
    const std::size_t comma = channels.find(',');
    std::string channel = ChannelOf(channels.substr(0, comma));
    if (Status status = CheckChannelName(channel); !status.ok()) {
      return InvalidArgument("channels[" + std::to_string(subscriptions.size()) +
                             "]: " + MessageOf(status));
    }
    subscriptions.push_back({.channel = std::move(channel), .start = start});
    if (comma == std::string_view::npos) break;
    channels.remove_prefix(comma + 1);
    if (channels.empty()) return InvalidArgument("channels: must not end with a comma");
  }
  return subscriptions;
}

Status ReadNumber(const Query& query, const char* name, std::uint32_t& to) {
  const std::string text = ValueOf(query, name);
  if (text.empty()) return OkStatus();
  const StatusOr<std::uint64_t> number =
      ParseWhole(name, text, {.high = std::numeric_limits<std::uint32_t>::max()});
  if (number.ok()) to = static_cast<std::uint32_t>(*number);
  return number.status();
}

Status ReadFlag(const Query& query, const char* name, bool& to) {
  const std::string text = ValueOf(query, name);
  to = text == "true";
  if (to || text.empty() || text == "false") return OkStatus();
  return InvalidArgument(std::string(name) + ": must be true or false, got \"" +
                         text.substr(0, kNameBytesMax) + "\"");
}

Status ReadAckMode(const Query& query, bool& acks_when_written) {
  const std::string text = ValueOf(query, "ack");
  acks_when_written = text == "written";
  if (acks_when_written || text.empty()) return OkStatus();
  return InvalidArgument("ack: must be written or left out, got \"" +
                         text.substr(0, kNameBytesMax) + "\"");
}

Status ReadResume(const HttpRequest& request, const Query& query, frame::Connect& connect) {
  const std::string header = request.Header("Last-Event-ID");
  const std::string id = header.empty() ? ValueOf(query, "lastEventId") : header;
  if (id.empty()) return OkStatus();
  StatusOr<LastEvent> last = ParseLastEvent(header.empty() ? "lastEventId" : "Last-Event-ID", id);
  if (!last.ok()) return last.status();
  connect.resume = {std::move(last->session), last->delivery, true};
  return OkStatus();
}

}  // namespace

bool IsEventStreamPath(std::string_view target) {
  return target.substr(0, target.find('?')) == "/v1/sse";
}

StatusOr<EventStreamQuestion> ParseEventStreamRequest(const HttpRequest& request) {
  StatusOr<HttpTarget> target = ParseTarget(request.target);
  if (!target.ok()) return target.status();
  const Query& query = target->query;
  frame::Connect connect{.client = ValueOf(query, "client")};
  const StatusOr<StartAt> start = ParseFrom(ValueOf(query, "from"));
  if (!start.ok()) return start.status();
  auto subscriptions = ParseChannels(ValueOf(query, "channels"), *start);
  if (!subscriptions.ok()) return subscriptions.status();
  connect.subscriptions = *std::move(subscriptions);
  for (Status status :
       {ReadNumber(query, "window", connect.window),
        ReadNumber(query, "maxFrameBytes", connect.max_frame_bytes),
        ReadFlag(query, "receipts", connect.receipts),
        ReadAckMode(query, connect.acks_when_written), ReadResume(request, query, connect)}) {
    if (!status.ok()) return status;
  }
  if (Status status = frame::Check(connect); !status.ok()) return status;
  return EventStreamQuestion{std::move(connect), ValueOf(query, "ticket")};
}

StatusOr<Caller> AdmitEventStream(const HttpRequest& request, const EventStreamQuestion& question,
                                  const Doorkeeper& by) {
  const frame::Connect& connect = question.connect;
  if (!question.ticket.empty()) {
    const std::string session = connect.resume ? connect.resume->session : "";
    StatusOr<Tickets::Pass> pass =
        by.tickets.Open(question.ticket, {connect.client, session}, by.now);
    if (!pass.ok()) return pass.status();
    return std::move(pass->caller);
  }
  const std::string authorization = request.Header("Authorization");
  return IdentifyClient(by.tokens, {connect.client, BearerTokenOf(authorization)}, by.now);
}

}  // namespace ackwire
