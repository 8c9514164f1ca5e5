// SimOperator is whoever changes and looks at clients from elsewhere, as the gRPC services do.
#pragma once

#include <string>

#include "delivery/session.h"
#include "tests/simulation/control_rules.h"
#include "tests/simulation/world.h"

namespace ackwire {

class SimOperator {
 public:
  explicit SimOperator(World& world) : world_(world) {}
  SimOperator(const SimOperator&) = delete;
  SimOperator& operator=(const SimOperator&) = delete;

  // From now on it acts every now and then; once all is calm it only has clients go on.
  void Begin();

 private:
  void Act();
  void Subscribe();
  void Unsubscribe();
  void Explain();
  void SetPaused(const std::string& client, ControlRules::Pause what);
  void ResumeSome();
  void Disconnect();
  void Shut(const std::string& client, Session& session);
  void Dismiss();

  World& world_;
};

}  // namespace ackwire
