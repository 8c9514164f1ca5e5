#include "delivery/spawn.h"

#include <spdlog/spdlog.h>

namespace ackwire {

void LogFailure(const char* what, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    spdlog::error("{} ended by an exception: {}", what, e.what());
  }
}

}  // namespace ackwire
