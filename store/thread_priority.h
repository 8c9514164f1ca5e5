// What writes tables and merges them is in no hurry: whoever publishes is.
#pragma once

namespace ackwire {

// Gives the calling thread a nice value of 10, unless it has a higher one: it gets about a tenth of
// a processor that another thread of nice 0 wants too, and all of one that is idle. Does nothing
// where the system refuses.
void YieldToOtherThreads();

}  // namespace ackwire
