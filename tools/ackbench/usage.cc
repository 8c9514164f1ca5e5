#include "tools/ackbench/usage.h"

#include <sys/resource.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace ackwire::bench {

Usage UsageNow() {
  constexpr double kMicro = 1e-6;
  Usage usage;
  rusage times{};
  getrusage(RUSAGE_SELF, &times);
  for (const timeval& time : {times.ru_utime, times.ru_stime}) {
    usage.cpu_seconds +=
        static_cast<double>(time.tv_sec) + kMicro * static_cast<double>(time.tv_usec);
  }
  std::ifstream io("/proc/self/io");
  for (std::string name; io >> name >> usage.disk_bytes;) {
    if (name == "write_bytes:") return usage;
  }
  throw std::runtime_error("/proc/self/io has no write_bytes: write amplification is not known");
}

}  // namespace ackwire::bench
