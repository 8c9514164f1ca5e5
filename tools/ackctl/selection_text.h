#pragma once

#include <string>

#include "ackwire/v1/deliveries.pb.h"

namespace ackwire::ctl {

// What a replay was to deliver, as a person says it: "failed ones of channel room/*, for nack,
// since 2026-11-22T09:15:00.000Z"; "room/1 from seq 5 to seq 9, to client alice".
std::string SelectionText(const v1::ReplaySelection& selection);

}  // namespace ackwire::ctl
