// What ackwired can be told: by its command line, the environment, and the file that --config
// names.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "delivery/delivery_server.h"
#include "delivery/edge_policy.h"
#include "delivery/policy.h"
#include "store/database.h"
#include "store/limits.h"
#include "store/status.h"
#include "store/trimmer.h"
#include "store/types.h"
#include "tools/ackwired/config_values.h"
#include "tools/ackwired/flags.h"
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
  std::filesystem::path jwt_keys;  // none: every caller is trusted
  std::optional<std::string> jwt_audience, jwt_issuer;
  DeliveryPolicy delivery;
  SessionPolicy session;
  EdgePolicy edge;
  std::uint32_t max_subscriptions = kSubscriptionsOfClientMax;
  std::size_t io_threads = 2;
  LogFormat log_format = LogFormat::kText;
  bool access_log = false;
  Durability durability = Durability::kFsync;
  std::uint64_t min_free_bytes = 256ULL << 20U;
  JournalRetention journal_keeps{.age = std::chrono::days(30), .bytes = std::nullopt};
  std::filesystem::path file;  // with the channels' policies; empty: none
};

// To serve with `config`; or only to check it (--check-config); or, when there is a text to print
// (--help, --version), to do only that.
struct CommandLine {
  Config config;
  std::vector<InForce> in_force;  // all of `config`
  bool check = false;
  std::optional<std::string> print;
};

// A flag wins over the environment's ACKWIRE_…, this over the file that --config names.
//   kInvalidArgument  names the flag, or file, line and key; what was wrong and what would be right
//   kNotFound         the file cannot be read
[[nodiscard]] StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv);

}  // namespace ackwire
