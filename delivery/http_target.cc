#include "delivery/http_target.h"

#include <charconv>

namespace ackwire {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

StatusOr<std::string> Decode(const char* field, std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const int high = at + 1 < text.size() ? HexValue(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? HexValue(text[at + 2]) : -1;
    if (high < 0 || low < 0) {
      return InvalidArgument(std::string(field) +
                             ": `%` must be followed by two hexadecimal digits");
    }
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

// Calls fn with each part of `text` between separators, until one is not OK.
template <typename F>
Status ForEachPart(std::string_view text, char separator, F&& fn) {
  for (;;) {
    const std::size_t end = text.find(separator);
    if (Status status = fn(text.substr(0, end)); !status.ok()) return status;
    if (end == std::string_view::npos) return OkStatus();
    text.remove_prefix(end + 1);
  }
}

Status AddParameter(std::string_view parameter, HttpTarget& out) {
  if (parameter.empty()) return OkStatus();
  const std::size_t equals = parameter.find('=');
  StatusOr<std::string> name = Decode("query", parameter.substr(0, equals));
  if (!name.ok()) return name.status();
  if (*name == "token" || *name == "access_token") {
    return InvalidArgument(
        "query: no token may stand in a URL, which proxies and browsers keep; "
        "send it as Authorization: Bearer, in connect, or get a ticket");
  }
  StatusOr<std::string> value = std::string();
  if (equals != std::string_view::npos) value = Decode("query", parameter.substr(equals + 1));
  if (!value.ok()) return value.status();
  if (out.query.emplace(*name, *value).second) return OkStatus();
  return InvalidArgument("query: \"" + *name + "\" is given twice; give it once");
}

}  // namespace

StatusOr<HttpTarget> ParseTarget(std::string_view target) {
  target = target.substr(0, target.find('#'));
  if (target.empty() || target.front() != '/') {
    return InvalidArgument("path: must begin with `/`");
  }
  HttpTarget out;
  const std::size_t question = target.find('?');
  Status status = ForEachPart(target.substr(1, question - 1), '/', [&](std::string_view part) {
    StatusOr<std::string> segment = Decode("path", part);
    if (segment.ok()) out.segments.push_back(*std::move(segment));
    return segment.status();
  });
  if (!status.ok()) return status;
  if (question == std::string_view::npos) return out;
  status = ForEachPart(target.substr(question + 1), '&',
                       [&](std::string_view part) { return AddParameter(part, out); });
  if (!status.ok()) return status;
  return out;
}

std::optional<MessagesPath> MessagesPathOf(const HttpTarget& target) {
  const auto& path = target.segments;
  const bool messages = path.size() >= 4 && path.size() <= 6 && path[0] == "v1" &&
                        path[1] == "channels" && path[3] == "messages";
  if (!messages || (path.size() == 6 && path[5] != "receipts")) return std::nullopt;
  MessagesPath out{.channel = path[2]};
  if (path.size() > 4) out.seq = path[4];
  out.receipts = path.size() == 6;
  return out;
}

StatusOr<std::uint64_t> ParseWhole(const char* field, std::string_view text,
                                   const WholeBounds& bounds) {
  constexpr std::size_t kShownMax = 40;
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed_to, ec] = std::from_chars(text.data(), end, value);
  if (ec == std::errc() && parsed_to == end && value >= bounds.low && value <= bounds.high) {
    return value;
  }
  std::string must = "must be a whole number from " + std::to_string(bounds.low);
  if (bounds.high != UINT64_MAX) must += " to " + std::to_string(bounds.high);
  return InvalidArgument(std::string(field) + ": " + must + ", got \"" +
                         std::string(text.substr(0, kShownMax)) + "\"");
}

StatusOr<Seq> ParseSeq(std::string_view text) {
  const StatusOr<std::uint64_t> value = ParseWhole("seq", text, {.low = 1});
  if (!value.ok()) return value.status();
  return Seq{*value};
}

}  // namespace ackwire
