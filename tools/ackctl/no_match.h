#pragma once

#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "tools/ackctl/connection.h"

namespace ackwire::ctl {

// Of a filter that nothing matched: ": there is no channel rom/1", when it names what is not
// there; else empty. Asks the server.
std::string WhyNoneMatches(const Connection& connection, const v1::FailureFilter& filter);

// Where what happened longest ago is no longer on record, and the filter asks for it: from when on
// there are records, as a line; else empty. Asks the server.
std::string FromWhenOnRecord(const Connection& connection, const v1::FailureFilter& filter);

}  // namespace ackwire::ctl
