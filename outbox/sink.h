// Sink is where the relay carries committed groups to.
#pragma once

#include "store/committed_group.h"

namespace ackwire {

enum class Offered { kTaken, kFull };

class Sink {
 public:
  virtual ~Sink() = default;
  // Called by the relay's thread, once for each group, in order. kFull: the sink has taken enough
  // for now, is offered the same group again later, and calls RelayThread::Wake when it has room.
  // Never blocks.
  [[nodiscard]] virtual Offered Offer(const SharedGroup& group) = 0;
};

}  // namespace ackwire
