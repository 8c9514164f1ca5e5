#include "delivery/client_answer.h"

namespace ackwire {

Status ActOn(ClientLedger& ledger, const frame::Ack& ack, Timestamp now) {
  return ack.up_to != 0 ? ledger.AckUpTo(ack.up_to, now) : ledger.Ack(ack.deliveries, now);
}

Status ActOn(ClientLedger& ledger, const frame::Nack& nack, Timestamp now) {
  return ledger.Nack({.deliveries = nack.deliveries,
                      .reason = nack.reason,
                      .delay = nack.delay,
                      .final = nack.final},
                     now);
}

Status ActOn(ClientLedger& ledger, const frame::Working& working, Timestamp now) {
  return ledger.Working(working.deliveries, now);
}

}  // namespace ackwire
