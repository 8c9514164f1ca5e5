// What a client answers to its deliveries, carried out on its ledger: whether it came as a frame or
// as a call of HTTP.
//
// Threads: the ledger's.
#pragma once

#include "delivery/client_frame.h"
#include "delivery/client_ledger.h"

namespace ackwire {

// `kNotFound` for a number that the session was never sent; the others that it names are processed.
[[nodiscard]] Status ActOn(ClientLedger& ledger, const frame::Ack& ack, Timestamp now);
[[nodiscard]] Status ActOn(ClientLedger& ledger, const frame::Nack& nack, Timestamp now);
[[nodiscard]] Status ActOn(ClientLedger& ledger, const frame::Working& working, Timestamp now);

}  // namespace ackwire
