// What holds of every frame that was parsed, whichever protocol it came by.
#pragma once

#include "delivery/client_frame.h"

namespace ackwire::fuzz {

// Ends the process where the frame breaks a limit that client_frame.h promises, or where it does
// not come out of either protocol as it went in.
void CheckFrame(const frame::ClientFrame& frame);

}  // namespace ackwire::fuzz
