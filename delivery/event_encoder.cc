#include "delivery/event_encoder.h"

#include <fmt/format.h>

#include <charconv>

#include "delivery/outlet.h"
#include "delivery/strict_json.h"

namespace ackwire {
namespace {

// After too many errors: the longest that a client waits.
constexpr Duration kRetryMax{30'000};

// The value of a string member of a frame; empty when there is none. What is asked for is ours, and
// has no escapes.
std::string_view TextIn(std::string_view frame, std::string_view name) {
  const auto text = MemberText(frame, name);
  if (!text || text->size() < 2) return {};
  return text->substr(1, text->size() - 2);
}

// A payload may have line ends between its tokens, and a line end would end the field.
void AppendData(std::string& event, std::string_view data) {
  for (;;) {
    const std::size_t end = data.find_first_of("\r\n");
    event += "data: ";
    event += data.substr(0, end);
    event += '\n';
    if (end == std::string_view::npos) return;
    const bool both = data.substr(end, 2) == "\r\n";
    data.remove_prefix(end + (both ? 2 : 1));
  }
}

std::string RetryField(std::string_view ms) { return fmt::format("retry: {}\n", ms); }
std::string RetryField(Duration retry) { return fmt::format("retry: {}\n", retry.count()); }

}  // namespace

std::string EventEncoder::Encode(std::string_view frame,
                                 const std::vector<std::uint64_t>& deliveries) {
  const std::string_view type = TextIn(frame, "type");
  std::string event = fmt::format("event: {}\n", type);
  if (type == "welcome") {
    session_ = TextIn(frame, "session");
    const bool resumed = MemberText(frame, "resumed") == "true";
    event += fmt::format("id: {}:{}\n", session_, resumed ? options_.arrived : 0);
    event += RetryField(options_.retry);
  } else if (type == "draining") {
    event += RetryField(MemberText(frame, "reconnectAfterMs").value_or("0"));
  } else if (!deliveries.empty()) {
    event += fmt::format("id: {}:{}\n", session_, deliveries.back());
  }
  AppendData(event, frame);
  event += '\n';
  return event;
}

std::string EventEncoder::EncodeClose(std::uint16_t code, const std::string& reason) const {
  std::string event = "event: close\n";
  // What `draining` said holds for the close that it announced.
  if (code != close_code::kServiceRestart) {
    event += RetryField(code == close_code::kTooManyErrors ? kRetryMax : options_.retry);
  }
  std::string data = fmt::format(R"({{"type":"close","code":{},"reason":)", code);
  AppendJsonString(data, reason);
  data += '}';
  AppendData(event, data);
  event += '\n';
  return event;
}

StatusOr<LastEvent> ParseLastEvent(const char* field, std::string_view id) {
  const std::size_t colon = id.rfind(':');
  LastEvent out;
  if (colon != std::string_view::npos && colon > 0) {
    const std::string_view number = id.substr(colon + 1);
    const char* const end = number.data() + number.size();
    const auto [parsed_to, ec] = std::from_chars(number.data(), end, out.delivery);
    if (ec == std::errc() && parsed_to == end) {
      out.session = id.substr(0, colon);
      return out;
    }
  }
  return InvalidArgument(std::string(field) +
                         ": must be the id of an event of this stream, SESSION:DELIVERY");
}

}  // namespace ackwire
