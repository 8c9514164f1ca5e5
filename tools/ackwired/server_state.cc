#include "tools/ackwired/server_state.h"

namespace ackwire {

bool ServerState::RefuseWrites(const std::string& why) {
  const std::scoped_lock lock(mutex_);
  if (!refused_because_.empty()) return false;
  refused_because_ = why;
  return true;
}

std::string ServerState::refused_because() const {
  const std::scoped_lock lock(mutex_);
  return refused_because_;
}

}  // namespace ackwire
