#include "tools/ackwired/limit_flags.h"

#include <algorithm>
#include <string>
#include <vector>

#include "delivery/allowed_hosts.h"
#include "delivery/allowed_origins.h"
#include "delivery/http_head.h"

namespace ackwire {
namespace {

// Several, with commas between them.
template <StatusOr<std::string> (*kParse)(const std::string&)>
StatusOr<std::vector<std::string>> ParseEach(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    StatusOr<std::string> each = kParse(text.substr(at, comma - at));
    if (!each.ok()) return each.status();
    out.push_back(*std::move(each));
    at = comma + 1;
  }
  return out;
}

StatusOr<std::uint64_t> ParseHeaderBytes(const std::string& text) {
  constexpr std::uint64_t kMin = 512;  // a line and a token that is short
  const StatusOr<std::uint64_t> size = ParseSize(text);
  if (!size.ok() || (*size >= kMin && *size <= kHttpHeaderBytesMax)) return size;
  return InvalidArgument("must be from " + FormatSize(kMin) + " to " +
                         FormatSize(kHttpHeaderBytesMax) + ", got \"" + text + "\"");
}

// Deliveries fill a part of it, and one large message more.
StatusOr<std::uint64_t> ParseQueueBytes(const std::string& text) {
  constexpr std::uint64_t kMin = 2ULL << 20U;
  const StatusOr<std::uint64_t> size = ParseSize(text);
  if (!size.ok() || *size >= kMin) return size;
  return InvalidArgument("must be at least " + FormatSize(kMin) + ", got \"" + text + "\"");
}

void AddHttpLimits(Flags& flags, HttpLimits& limits) {
  flags.Add({"--max-header-bytes", "SIZE", FormatSize(limits.header_bytes),
             "Of the first line and the headers of a request to --http"},
            limits.header_bytes, &ParseHeaderBytes);
  flags.Add({"--max-body-bytes", "SIZE", FormatSize(limits.body_bytes),
             "Of its body; a payload in JSON takes up to six times its bytes"},
            limits.body_bytes, &ParsePositiveSize);
  flags.Add({"--header-time", "DURATION", FormatDuration(limits.header_time),
             "Within which its headers must be here"},
            limits.header_time, &ParsePositiveDuration);
  flags.Add({"--body-time", "DURATION", FormatDuration(limits.body_time),
             "Within which its body must be"},
            limits.body_time, &ParsePositiveDuration);
}

}  // namespace

void AddLimits(Flags& flags, Config& config) {
  EdgePolicy& edge = config.edge;
  flags.Add({"--allow-host", "NAME", "",
             "A name accepted in Host besides the listeners' own and loopback; repeatable"},
            edge.hosts, &ParseEach<&ParseHostName>);
  flags.Add({"--allow-origin", "ORIGIN", "",
             "A site whose pages may call --http, such as https://chat.example.com; repeatable"},
            edge.origins, &ParseEach<&ParseOrigin>);
  using Count = std::optional<std::uint32_t>;
  const auto count = [&flags](const char* name, Count& out, const char* meaning) {
    flags.Add({name, "N", out ? std::to_string(*out) : "none", meaning}, out,
              &ParseLimit<std::uint32_t, &ParseCount>);
  };
  count("--max-connections", edge.connections, "Connections to --http at once, or none: no limit");
  count("--max-connections-per-address", edge.connections_per_address,
        "Of these, from one address");
  count("--connect-rate", edge.connect_rate, "New ones a second from one address");
  count("--max-unauthenticated", edge.unauthenticated,
        "Of these, whose client is not known yet: neither connected nor with a valid token");
  count("--publish-rate", edge.publish_rate,
        "Messages a second of one sender, or of one address where none is named");
  AddHttpLimits(flags, edge.http);
  flags.Add({"--max-subscriptions", "N", std::to_string(config.max_subscriptions),
             "Subscriptions of one client"},
            config.max_subscriptions, &ParseCount);
  flags.Add({"--session-frame-rate", "N", "none", "Frames and pings a second from one session"},
            config.session.frame_rate, &ParseLimit<std::uint32_t, &ParseCount>);
  flags.Add({"--session-byte-rate", "SIZE", "none", "Bytes of frames a second from one session"},
            config.session.byte_rate, &ParseLimit<std::uint64_t, &ParsePositiveSize>);
  flags.Add(
      {"--session-queue-bytes", "SIZE", FormatSize(config.session.queued_bytes),
       "What waits for one session, which is closed beyond that; at least 2MiB, as deliveries wait "
       "in the log long before"},
      config.session.queued_bytes, &ParseQueueBytes);
  flags.Add(
      {"--access-log", "on|off", "off", "A line of the log for each request to --http, --admin"},
      config.access_log, &ParseSwitch);
}

}  // namespace ackwire
