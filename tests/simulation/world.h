// World is what the parts of one simulated run share: its time, its dice, its disk, the rules, and
// the server, while one runs.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "delivery/policy.h"
#include "store/rng.h"
#include "tests/faults/fault_env.h"
#include "tests/simulation/agenda.h"
#include "tests/simulation/delivery_rules.h"
#include "tests/simulation/findings.h"
#include "tests/simulation/log_rules.h"
#include "tests/simulation/metric_rules.h"

namespace ackwire {

class Hub;
class Outlet;
class Session;
class SimServer;

struct World {
  static constexpr std::size_t kSessionBytes = 1U << 18U;

  explicit World(std::uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] std::uint64_t Below(std::uint64_t limit) { return rng.Next() % limit; }
  [[nodiscard]] bool OneIn(std::uint64_t odds) { return Below(odds) == 0; }
  // From `least` to `most`.
  [[nodiscard]] Duration Wait(std::int64_t least, std::int64_t most) {
    return Duration(least +
                    static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(most - least + 1))));
  }
  [[nodiscard]] const std::string& AnyChannel() { return channels[Below(channels.size())]; }
  [[nodiscard]] const std::string& AnyClient() { return clients[Below(clients.size())]; }
  [[nodiscard]] StartAt AnyStart();

  // Hubs keep sessions in order of address: here that is the order in which they were made, so that
  // a seed is a run.
  [[nodiscard]] std::shared_ptr<Session> MakeSession(Hub& hub, Outlet& outlet);

  std::pmr::monotonic_buffer_resource session_memory{kSessionBytes};
  Rng rng;
  Agenda agenda;
  SetClock clock{agenda};
  FaultEnv env;
  DeliveryPolicy policy;
  SessionPolicy session_policy;
  Findings findings;
  LogRules log{findings};
  DeliveryRules deliveries{clock, policy, findings};
  MetricRules metrics{findings};
  std::vector<std::string> channels;
  std::vector<std::string> clients;
  ConnectionId last_connection = 0;
  bool calm = false;  // no more faults: whatever is owed is to be delivered
  std::unique_ptr<SimServer> server;
};

}  // namespace ackwire
