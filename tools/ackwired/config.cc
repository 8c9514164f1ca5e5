#include "tools/ackwired/config.h"

#include <CLI/CLI.hpp>
#include <string>

#include "tools/ackwired/config_checks.h"
#include "tools/ackwired/limit_flags.h"
#include "tools/ackwired/nearest_name.h"

namespace ackwire {
namespace {

void AddListeners(Flags& flags, Config& config) {
  flags.Add({"--data-dir", "DIR", config.data_dir.string(), "Where everything is kept"},
            config.data_dir, &ParsePath);
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

void AddDrain(Flags& flags, DrainTimes& times) {
  flags.Add({"--drain-grace", "DURATION", FormatDuration(times.grace),
             "After SIGTERM or ackctl drain /readyz says 503, and for so long new sessions are "
             "still taken: what a load balancer needs to notice"},
            times.grace, &ParseDuration);
  flags.Add({"--drain-spread", "DURATION", FormatDuration(times.spread),
             "Then each session is closed at a moment of its own within so long, and its client "
             "told to come again at a moment of its own within so long after that"},
            times.spread, &ParseDuration);
  flags.Add({"--drain-timeout", "DURATION", FormatDuration(times.timeout),
             "So long after the beginning the server ends at the latest, and closes at once what "
             "sessions are left; more than grace and spread together"},
            times.timeout, &ParsePositiveDuration);
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
  AddDrain(flags, policy.drain);
  flags.Add({"--io-threads", "N", std::to_string(config.io_threads),
             "Threads that serve the clients' connections"},
            config.io_threads, &ParseIoThreads);
  flags.Add({"--log-format", "text|json", "text", "How lines of the log are written"},
            config.log_format, &ParseLogFormat);
}

// What is not expected, and what was probably meant.
Status UnknownArgument(const CLI::App& app, const Flags& flags) {
  for (const std::string& argument : app.remaining()) {
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    return InvalidArgument(name + ": there is no such flag" +
                           Suggestion(name, flags.names(), "; ackwired --help lists them"));
  }
  return InvalidArgument(app.remaining().front() + ": is not expected; all is said by flags");
}

}  // namespace

StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("Ackwire's server: stores messages, and delivers each until it is acknowledged.",
               "ackwired");
  app.set_version_flag("--version", "ackwired " ACKWIRE_VERSION);
  app.add_flag("--check-config", line.check,
               "Prints what is in force and who said so, as a file for --config; or what is wrong");
  app.footer(
      "Each flag is also a variable of the environment (--ack-wait is ACKWIRE_ACK_WAIT) and a key "
      "of the file (ack_wait).\nA flag wins over the environment, the environment over the file.\n"
      "Durations: 250ms, 30s, 15m, 12h, 7d.\n"
      "Example: ackwired --data-dir /var/lib/ackwire --ack-wait 10s");
  Flags flags(app);
  AddListeners(flags, line.config);
  AddSecurity(flags, line.config);
  AddDelivery(flags, line.config);
  AddSessions(flags, line.config);
  AddLimits(flags, line.config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.print = app.help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.print = std::string(version.what()) + "\n";
    return line;
  } catch (const CLI::ExtrasError&) {
    return UnknownArgument(app, flags);
  } catch (const CLI::ParseError& error) {
    return InvalidArgument(error.what());
  }
  if (Status status = flags.Read(); !status.ok()) return status;
  line.config.file = flags.file();
  line.in_force = flags.in_force();
  if (Status status = CheckTogether(line.config); !status.ok()) return status;
  return line;
}

}  // namespace ackwire
