#include "tools/ackwired/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "delivery/message_json.h"
#include "store/types.h"

namespace ackwire {
namespace {

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";

// spdlog's patterns cannot escape, and one quotation mark would break a line of JSON.
class JsonLine final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const auto level = spdlog::level::to_string_view(line.level);
    const boost::json::object object{
        {"time", FormatTime(std::chrono::floor<Duration>(line.time))},
        {"level", std::string_view(level.data(), level.size())},
        {"message", std::string_view(line.payload.data(), line.payload.size())}};
    const std::string text = boost::json::serialize(object) + "\n";
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonLine>();
  }
};

}  // namespace

void SetUpLogging(LogFormat format) {
  auto logger = std::make_shared<spdlog::logger>("ackwired",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (format == LogFormat::kJson) {
    logger->set_formatter(std::make_unique<JsonLine>());
  } else {
    logger->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(kTextPattern, spdlog::pattern_time_type::utc));
  }
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

AccessLog MakeAccessLog(LogFormat format) {
  if (format == LogFormat::kText) {
    return [](const AccessEntry& entry) { spdlog::info("{}", AccessLine(entry)); };
  }
  // Its fields stand beside time and level, so that they can be asked for by name.
  auto logger =
      std::make_shared<spdlog::logger>("access", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"info","message":"access",%v})",
      spdlog::pattern_time_type::utc));
  logger->flush_on(spdlog::level::trace);
  return [logger](const AccessEntry& entry) { logger->info("{}", AccessMembers(entry)); };
}

}  // namespace ackwire
