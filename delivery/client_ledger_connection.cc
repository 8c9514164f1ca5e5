// How a ClientLedger begins with a connection, goes on from an earlier one, and ends with it.
#include <algorithm>

#include "delivery/client_ledger.h"

namespace ackwire {

void ClientLedger::Open(Timestamp now) {
  auto& opened = *journal_.Add(now).mutable_session_opened();
  opened.set_transport(options_.session.transport);
  opened.set_protocol(options_.session.protocol);
  opened.set_remote_address(options_.session.remote_address);
  opened.set_window(options_.window);
}

void ClientLedger::Resume(std::uint64_t delivery, Timestamp now) {
  DropForbidden();
  for (const std::uint64_t number : sent_.CoveredUpTo(delivery)) Settle(number, now);
  sent_.DropBeyond(delivery);
}

void ClientLedger::GoOn(std::uint64_t delivery, Timestamp now) {
  DropForbidden();
  Numbers without_deadline;
  for (const std::uint64_t number : sent_.FindCut(delivery)) {
    const AckWindow::Sent& sent = *sent_.Find(number);
    const auto known = feeds_.find(sent.key.channel);
    // A resumed session may remember what was settled while it was away.
    if (known == feeds_.end() || known->second.entry().IsSettled(sent.key.seq)) continue;
    known->second.GoOn(sent.key.seq);
    sent_.GoOn(number);
    if (!sent.deadline) without_deadline.push_back(number);
  }
  StartDeadlines(without_deadline, now);
  sent_.DropBeyond(delivery);
}

void ClientLedger::Close(const Ending& ending, Timestamp now) {
  Numbers in_flight = sent_.AllInFlight();
  if (!in_flight.empty()) {
    const AckWindow::Sent oldest = *sent_.Find(in_flight.front());
    if (ending.reason == v1::REASON_WRITE_FAILED) {
      const auto taken = std::stable_partition(
          in_flight.begin(), in_flight.end(),
          [this](std::uint64_t number) { return !sent_.Find(number)->deadline.has_value(); });
      FailClosed({taken, in_flight.end()}, v1::REASON_DISCONNECTED, ending.detail, now);
      in_flight.erase(taken, in_flight.end());
    }
    FailClosed(in_flight, ending.reason, ending.detail, now);
    if (ending.counts && ++options_.disconnects >= policies_.flags().max_disconnects) {
      GiveUp(oldest, now);
      options_.disconnects = 0;
    }
  }
  auto& closed = *journal_.Add(now).mutable_session_closed();
  closed.set_close_code(ending.close_code);
  closed.set_disconnects(options_.disconnects);
}

void ClientLedger::GiveUp(const AckWindow::Sent& sent, Timestamp now) {
  if (sent.replay.value != 0) {
    return EndReplay(sent.key,
                     {.kind = store::ReplayOutcome::FAILED, .reason = v1::REASON_MAX_ATTEMPTS});
  }
  Park(sent.key, v1::REASON_MAX_ATTEMPTS,
       std::to_string(options_.disconnects) + " disconnections in a row without an acknowledgement",
       now);
}

}  // namespace ackwire
