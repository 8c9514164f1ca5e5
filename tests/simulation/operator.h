// SimOperator is whoever changes and looks at clients from elsewhere, as the gRPC services do.
#pragma once

#include "tests/simulation/world.h"

namespace ackwire {

class SimOperator {
 public:
  explicit SimOperator(World& world) : world_(world) {}
  SimOperator(const SimOperator&) = delete;
  SimOperator& operator=(const SimOperator&) = delete;

  // From now on it acts every now and then, until all is calm.
  void Begin();

 private:
  void Act();
  void Subscribe();
  void Unsubscribe();
  void Explain();

  World& world_;
};

}  // namespace ackwire
