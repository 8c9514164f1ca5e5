#include "store/rocks_log.h"

#include <array>

namespace ackwire {
namespace {

std::FILE* Open(const std::string& path) {
  (void)std::rename(path.c_str(), (path + ".old").c_str());  // there may be none
  return std::fopen(path.c_str(), "ae");
}

}  // namespace

RocksLog::RocksLog(rocksdb::Env& env, const std::string& path)
    : rocksdb::Logger(rocksdb::InfoLogLevel::INFO_LEVEL), env_(env), file_(Open(path)) {}

void RocksLog::Logv(const char* format, va_list arguments) {
  if (file_ == nullptr) return;
  constexpr std::uint64_t kMicrosInSecond = 1'000'000;
  constexpr std::size_t kLineBytesMax = 4096;
  std::array<char, kLineBytesMax> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  // In one call, so that lines of several threads stay whole.
  std::fprintf(file_.get(), "%s %s\n",
               env_.TimeToString(env_.NowMicros() / kMicrosInSecond).c_str(), line.data());
  std::fflush(file_.get());
}

}  // namespace ackwire
