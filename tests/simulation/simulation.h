// One simulated run: a server of the classes that `ackwired` links, with its publishers, clients
// and operators, on one thread, by a time and on a disk of its own. Faults of every kind happen
// to it until all is calm; then everything owed must be delivered and settled. All the while the
// rules (log_rules.h, delivery_rules.h) look on.
#pragma once

#include <cstdint>

#include "tests/simulation/findings.h"

namespace ackwire {

enum class Trace { kNo, kYes };

[[nodiscard]] Findings RunSimulation(std::uint64_t seed, Trace trace);

}  // namespace ackwire
