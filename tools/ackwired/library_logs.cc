#include "tools/ackwired/library_logs.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace ackwire {
namespace {

// gRPC's last words before it ends the process have no level of their own.
spdlog::level::level_enum LevelOf(std::string_view message) {
  return message.starts_with("assertion failed") ? spdlog::level::critical : spdlog::level::debug;
}

}  // namespace

void SendLibraryLogsToOurs() {
  gpr_set_log_function([](gpr_log_func_args* line) {
    spdlog::log(LevelOf(line->message), "grpc: {}", line->message);
  });
  google::protobuf::SetLogHandler([](google::protobuf::LogLevel level, const char* /*file*/,
                                     int /*line*/, const std::string& message) {
    const bool is_last = level == google::protobuf::LOGLEVEL_FATAL;
    spdlog::log(is_last ? spdlog::level::critical : spdlog::level::debug, "protobuf: {}", message);
  });
}

}  // namespace ackwire
