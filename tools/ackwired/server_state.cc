#include "tools/ackwired/server_state.h"

namespace ackwire {

void ServerState::RefuseWrites(const std::string& why) {
  const std::scoped_lock lock(mutex_);
  if (refused_because_.empty()) refused_because_ = why;
}

std::string ServerState::refused_because() const {
  const std::scoped_lock lock(mutex_);
  return refused_because_;
}

}  // namespace ackwire
