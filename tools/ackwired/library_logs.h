// What the libraries below have to say goes to the server's log, and not past it to stderr.
#pragma once

namespace ackwire {

// At level debug, but for the last words before an abort: what fails is also told by the status of
// the call that failed, once; and a client cannot fill the log with bad bytes.
void SendLibraryLogsToOurs();

}  // namespace ackwire
