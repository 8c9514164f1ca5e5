// What moves rows from memory to tables, and merges these, is in no hurry: whoever publishes is.
#pragma once

namespace ackwire {

// The calling thread gets a tenth of a processor that another one wants too, and all of one that
// is idle. Does nothing where the system refuses.
void YieldToOtherThreads();

}  // namespace ackwire
