#include "tools/ackwired/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/ackwired/config_checks.h"

namespace ackwire {
namespace {

// Longer than anything waits; and a time added to it does not overflow.
constexpr Duration kDurationMax = std::chrono::days(36'500);
constexpr std::size_t kBackoffsMax = 100;
constexpr std::uint32_t kIoThreadsMax = 256;

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr std::array<Unit, 5> kUnits = {{{"ms", std::chrono::milliseconds(1)},
                                         {"s", std::chrono::seconds(1)},
                                         {"m", std::chrono::minutes(1)},
                                         {"h", std::chrono::hours(1)},
                                         {"d", std::chrono::days(1)}}};

std::string Got(const std::string& text) { return ", got \"" + text + "\""; }

StatusOr<std::vector<Duration>> ParseBackoff(const std::string& text) {
  std::vector<Duration> waits;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const StatusOr<Duration> wait = ParseDuration(text.substr(at, comma - at));
    if (!wait.ok()) {
      return InvalidArgument("must be durations with commas between them, such as 1s,5s: each " +
                             MessageOf(wait.status()));
    }
    waits.push_back(*wait);
    at = comma + 1;
  }
  if (waits.size() <= kBackoffsMax) return waits;
  return InvalidArgument("must be at most " + std::to_string(kBackoffsMax) +
                         " durations: the last one repeats; got " + std::to_string(waits.size()));
}

std::string FormatBackoff(const std::vector<Duration>& waits) {
  std::string text;
  for (const Duration wait : waits) text += (text.empty() ? "" : ",") + FormatDuration(wait);
  return text;
}

StatusOr<std::uint32_t> ParseCount(const std::string& text) {
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error == std::errc() && stop == end && count > 0) return count;
  return InvalidArgument("must be a whole number from 1 to " +
                         std::to_string(std::numeric_limits<std::uint32_t>::max()) + Got(text));
}

// What a client may ask for at most is also the most that may be given to all.
StatusOr<std::uint32_t> ParseWindow(const std::string& text) {
  StatusOr<std::uint32_t> window = ParseCount(text);
  if (window.ok()) window = std::min(*window, kWindowMax);
  return window;
}

StatusOr<std::size_t> ParseIoThreads(const std::string& text) {
  const StatusOr<std::uint32_t> count = ParseCount(text);
  if (count.ok() && *count <= kIoThreadsMax) return std::size_t{*count};
  return InvalidArgument("must be a whole number from 1 to " + std::to_string(kIoThreadsMax) +
                         Got(text));
}

StatusOr<LogFormat> ParseLogFormat(const std::string& text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return InvalidArgument("must be text or json" + Got(text));
}

StatusOr<Durability> ParseDurability(const std::string& text) {
  if (text == "fsync") return Durability::kFsync;
  if (text == "buffered") return Durability::kBuffered;
  return InvalidArgument("must be fsync or buffered" + Got(text));
}

StatusOr<std::filesystem::path> ParsePath(const std::string& text) {
  if (text.empty()) return InvalidArgument("must be a path, got nothing");
  return std::filesystem::path(text);
}

StatusOr<std::optional<std::string>> ParseText(const std::string& text) {
  if (text.empty()) return InvalidArgument("must be a text, got nothing");
  return std::optional(text);
}

// For ever is no limit.
template <typename T, StatusOr<T> (*kParse)(const std::string&)>
StatusOr<std::optional<T>> ParseLimit(const std::string& text) {
  if (text == "none") return std::optional<T>();
  const StatusOr<T> limit = kParse(text);
  if (!limit.ok()) return InvalidArgument(MessageOf(limit.status()) + "; or none");
  return std::optional<T>(*limit);
}

StatusOr<std::uint64_t> ParsePositiveSize(const std::string& text) {
  StatusOr<std::uint64_t> size = ParseSize(text);
  if (size.ok() && *size == 0) return InvalidArgument("must be more than 0" + Got(text));
  return size;
}

// `--ack-wait` is ACKWIRE_ACK_WAIT.
std::string EnvironmentName(std::string_view flag) {
  std::string name = "ACKWIRE_";
  for (const char c : flag.substr(2)) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

class Flags {
 public:
  explicit Flags(CLI::App& app) : app_(app) {}

  struct Text {
    const char* name;
    const char* value;
    std::string standard;  // what holds without the flag
    const char* meaning;
  };
  template <typename T>
  void Add(const Text& text, T& out, StatusOr<T> (*parse)(const std::string&)) {
    const std::string name = text.name;
    app_.add_option_function<std::string>(
            name,
            [name, &out, parse](const std::string& value) {
              StatusOr<T> parsed = parse(value);
              if (!parsed.ok()) throw CLI::ValidationError(name, MessageOf(parsed.status()));
              out = *std::move(parsed);
            },
            text.meaning)
        ->envname(EnvironmentName(name))
        ->type_name(text.value)
        ->default_str(text.standard);
  }

 private:
  CLI::App& app_;
};

void AddListeners(Flags& flags, Config& config) {
  flags.Add({"--data-dir", "DIR", config.data_dir.string(), "Where everything is kept"},
            config.data_dir, &ParsePath);
  flags.Add(
      {"--config", "FILE", "", "TOML with policies by channel pattern; SIGHUP reads it again"},
      config.file, &ParsePath);
  flags.Add({"--durability", "fsync|buffered", "fsync",
             "A write is answered once it is on disk; or, buffered, once the kernel has it: a "
             "power cut then takes the newest, and starts a new epoch"},
            config.durability, &ParseDurability);
  flags.Add({"--min-free-bytes", "SIZE", "256MiB",
             "With less disk free, publishing is refused and everything else goes on"},
            config.min_free_bytes, &ParseSize);
  flags.Add(
      {"--journal-retention-age", "DURATION", FormatDuration(*config.journal_keeps.age),
       "What happened to deliveries is kept on record for so long, or none: for ever. What is "
       "parked or tried again keeps its records, and all that are newer. Once they are gone, "
       "explain knows what became of a delivery, but not when, nor its attempts"},
      config.journal_keeps.age, &ParseLimit<Duration, &ParsePositiveDuration>);
  flags.Add(
      {"--journal-retention-bytes", "SIZE", "none",
       "The oldest of that record goes sooner when all of it takes about so much disk, such as "
       "512MiB or 4GiB"},
      config.journal_keeps.bytes, &ParseLimit<std::uint64_t, &ParsePositiveSize>);
  const auto listener = [&flags](const char* name, Endpoint& endpoint, const char* meaning) {
    flags.Add({name, "HOST:PORT", FormatEndpoint(endpoint), meaning}, endpoint, &ParseEndpoint);
  };
  listener("--grpc", config.grpc,
           "gRPC: writing, subscriptions, operators; port 0 picks a free one");
  listener("--http", config.http, "Clients: WebSocket and HTTP/JSON");
  listener("--admin", config.admin, "Operators: /metrics, /healthz, /readyz; never encrypted");
}

void AddSecurity(Flags& flags, Config& config) {
  const auto file = [&flags](const char* name, std::filesystem::path& path, const char* meaning) {
    flags.Add({name, "FILE", "", meaning}, path, &ParsePath);
  };
  file("--jwt-keys", config.jwt_keys,
       "JWK set of those who issue tokens. Without it every caller is trusted, and all listeners "
       "must be on loopback");
  flags.Add({"--jwt-audience", "TEXT", "", "What a token's aud must name"}, config.jwt_audience,
            &ParseText);
  flags.Add({"--jwt-issuer", "TEXT", "", "What a token's iss must be"}, config.jwt_issuer,
            &ParseText);
  file("--http-tls-cert", config.http_tls_cert,
       "TLS for --http: the certificate, and those up to its authority (PEM); SIGHUP reads this "
       "and the others again");
  file("--http-tls-key", config.http_tls_key, "Its private key (PEM)");
  file("--grpc-tls-cert", config.grpc_tls_cert,
       "Mutual TLS for --grpc: the certificate; off loopback there is no gRPC without");
  file("--grpc-tls-key", config.grpc_tls_key, "Its private key");
  file("--grpc-tls-client-ca", config.grpc_tls_client_ca,
       "Certificates of the authorities that those of clients must be from");
}

void AddDelivery(Flags& flags, Config& config) {
  DeliveryPolicy& policy = config.delivery;
  flags.Add({"--ack-wait", "DURATION", FormatDuration(policy.ack_wait),
             "How long a sent message may stay unacknowledged"},
            policy.ack_wait, &ParsePositiveDuration);
  flags.Add({"--backoff", "DURATION,…", FormatBackoff(policy.retry.backoff),
             "Wait before attempt 2, 3, …; the last repeats"},
            policy.retry.backoff, &ParseBackoff);
  flags.Add({"--max-attempts", "N", std::to_string(policy.retry.max_attempts),
             "After so many the delivery is parked"},
            policy.retry.max_attempts, &ParseCount);
  flags.Add({"--max-disconnects", "N", std::to_string(policy.max_disconnects),
             "Disconnections in a row without an acknowledgement, until the oldest delivery in "
             "flight is parked"},
            policy.max_disconnects, &ParseCount);
  flags.Add({"--window", "N", std::to_string(policy.window),
             "Deliveries in flight for one client; more than 4096 is cut to that"},
            policy.window, &ParseWindow);
}

void AddSessions(Flags& flags, Config& config) {
  SessionPolicy& policy = config.session;
  flags.Add({"--ping-interval", "DURATION", FormatDuration(policy.ping_interval),
             "How often a client is pinged"},
            policy.ping_interval, &ParsePositiveDuration);
  flags.Add({"--ping-timeout", "DURATION", FormatDuration(policy.ping_timeout),
             "A client that is silent for so long is disconnected"},
            policy.ping_timeout, &ParsePositiveDuration);
  flags.Add({"--write-stall", "DURATION", FormatDuration(policy.write_stall),
             "A socket that takes no bytes for so long is closed"},
            policy.write_stall, &ParsePositiveDuration);
  flags.Add({"--io-threads", "N", std::to_string(config.io_threads),
             "Threads that serve the clients' connections"},
            config.io_threads, &ParseIoThreads);
  flags.Add({"--log-format", "text|json", "text", "How lines of the log are written"},
            config.log_format, &ParseLogFormat);
}

}  // namespace

StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("Ackwire's server: stores messages, and delivers each until it is acknowledged.",
               "ackwired");
  app.set_version_flag("--version", "ackwired " ACKWIRE_VERSION);
  app.footer(
      "Each flag is also a variable of the environment: --ack-wait is ACKWIRE_ACK_WAIT. A flag "
      "wins.\nDurations: 250ms, 30s, 15m, 12h, 7d.\n"
      "Example: ackwired --data-dir /var/lib/ackwire --ack-wait 10s");
  Flags flags(app);
  AddListeners(flags, line.config);
  AddSecurity(flags, line.config);
  AddDelivery(flags, line.config);
  AddSessions(flags, line.config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.print = app.help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.print = std::string(version.what()) + "\n";
    return line;
  } catch (const CLI::ParseError& error) {
    return InvalidArgument(error.what());
  }
  if (Status status = CheckTogether(line.config); !status.ok()) return status;
  return line;
}

StatusOr<Duration> ParseDuration(const std::string& text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  const std::string_view unit_name(stop, static_cast<std::size_t>(end - stop));
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& each) { return each.name == unit_name; });
  if (error == std::errc::invalid_argument || count < 0 || unit == kUnits.end()) {
    return InvalidArgument("must be a whole number and ms, s, m, h or d, such as 30s" + Got(text));
  }
  if (error == std::errc::result_out_of_range || count > kDurationMax / unit->length) {
    return InvalidArgument("must be at most " + FormatDuration(kDurationMax) + Got(text));
  }
  return count * unit->length;
}

StatusOr<Duration> ParsePositiveDuration(const std::string& text) {
  StatusOr<Duration> duration = ParseDuration(text);
  if (duration.ok() && duration->count() == 0) {
    return InvalidArgument("must be longer than 0" + Got(text));
  }
  return duration;
}

std::string FormatDuration(Duration duration) {
  const auto unit = std::find_if(kUnits.rbegin(), std::prev(kUnits.rend()), [&](const Unit& each) {
    return duration >= each.length && duration % each.length == Duration(0);
  });
  return std::to_string(duration / unit->length) + std::string(unit->name);
}

StatusOr<std::uint64_t> ParseSize(const std::string& text) {
  static constexpr std::array<std::pair<std::string_view, unsigned>, 4> kUnits = {
      {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  for (const auto& [unit, shift] : kUnits) {
    if (error == std::errc() && rest == unit && count <= (~0ULL >> 1U) >> shift) {
      return count << shift;
    }
  }
  return InvalidArgument("must be a whole number of bytes, or with KiB, MiB or GiB" + Got(text));
}

StatusOr<Endpoint> ParseEndpoint(const std::string& text) {
  const auto wrong = [&text] {
    return InvalidArgument("must be HOST:PORT, such as 127.0.0.1:7400, [::1]:7400 or localhost:0" +
                           Got(text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  Endpoint endpoint;
  endpoint.host = text.substr(0, colon);
  if (endpoint.host.size() > 2 && endpoint.host.front() == '[' && endpoint.host.back() == ']') {
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  } else if (endpoint.host.find_first_of(":[]") != std::string::npos) {
    return wrong();
  }
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, endpoint.port);
  if (endpoint.host.empty() || error != std::errc() || stop != end) return wrong();
  return endpoint;
}

std::string FormatEndpoint(const Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
         std::to_string(endpoint.port);
}

}  // namespace ackwire
