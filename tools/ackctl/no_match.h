#pragma once

#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "tools/ackctl/connection.h"

namespace ackwire::ctl {

// Of a filter that nothing matched: ": there is no channel rom/1", when it names what is not
// there; else empty. Asks the server.
std::string WhyNoneMatches(const Connection& connection, const v1::FailureFilter& filter);

}  // namespace ackwire::ctl
