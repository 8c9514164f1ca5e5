// The command line of ackwired: each flag, its variable of the environment, and what is wrong with
// a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "delivery/delivery_server.h"
#include "delivery/policy.h"
#include "store/database.h"
#include "store/status.h"
#include "store/trimmer.h"
#include "store/types.h"
#include "tools/ackwired/logging.h"

namespace ackwire {

struct Config {
  std::filesystem::path data_dir = "./ackwire-data";
  Endpoint grpc{"127.0.0.1", 7400};
  Endpoint http{"127.0.0.1", 7480};
  Endpoint admin{"127.0.0.1", 7490};
  // Files; empty: none.
  std::filesystem::path http_tls_cert, http_tls_key;
  std::filesystem::path grpc_tls_cert, grpc_tls_key, grpc_tls_client_ca;
  std::filesystem::path jwt_keys;
  std::optional<std::string> jwt_audience, jwt_issuer;
  DeliveryPolicy delivery;
  SessionPolicy session;
  std::size_t io_threads = 2;
  LogFormat log_format = LogFormat::kText;
  Durability durability = Durability::kFsync;
  std::uint64_t min_free_bytes = 256ULL << 20U;
  JournalRetention journal_keeps{.age = std::chrono::days(30), .bytes = std::nullopt};
  std::filesystem::path file;  // with the channels' policies; empty: none
};

// To serve with `config`; or, when there is a text to print (--help, --version), to do only that.
struct CommandLine {
  Config config;
  std::optional<std::string> print;
};

// A flag wins over the environment's ACKWIRE_….
//   kInvalidArgument  names the flag, what was wrong and what would be right
[[nodiscard]] StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv);

// `250ms`, `30s`, `15m`, `12h`, `7d`.
[[nodiscard]] StatusOr<Duration> ParseDuration(const std::string& text);
// The same, longer than 0.
[[nodiscard]] StatusOr<Duration> ParsePositiveDuration(const std::string& text);
[[nodiscard]] std::string FormatDuration(Duration duration);

// `1024`, `64KiB`, `256MiB`, `2GiB`: bytes.
[[nodiscard]] StatusOr<std::uint64_t> ParseSize(const std::string& text);

// `HOST:PORT`; an IPv6 address stands in brackets, and has none in Endpoint::host.
[[nodiscard]] StatusOr<Endpoint> ParseEndpoint(const std::string& text);
[[nodiscard]] std::string FormatEndpoint(const Endpoint& endpoint);

}  // namespace ackwire
