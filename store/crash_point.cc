#include "store/crash_point.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

#include "store/check.h"

namespace ackwire {
namespace {

struct Wanted {
  std::string name;
  std::atomic<long> times_left = 1;

  Wanted() {
    const char* const text = std::getenv("ACKWIRE_CRASH_AT");
    if (text == nullptr) return;
    name = text;
    if (const auto colon = name.find(':'); colon != std::string::npos) {
      times_left = std::strtol(name.c_str() + colon + 1, nullptr, 10);
      name.resize(colon);
    }
    // A test whose name is wrong would wait for a crash that never comes.
    CHECK(std::find(crash::kAll.begin(), crash::kAll.end(), name) != crash::kAll.end(),
          "ACKWIRE_CRASH_AT names a crash point of store/crash_point.h");
  }
};

Wanted& wanted() {
  static Wanted instance;
  return instance;
}

}  // namespace

bool IsCrashPointSet(std::string_view name) { return wanted().name == name; }

void CrashPoint(std::string_view name) {
  if (IsCrashPointSet(name) && --wanted().times_left == 0) std::raise(SIGKILL);
}

}  // namespace ackwire
