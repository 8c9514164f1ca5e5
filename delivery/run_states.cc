#include "delivery/run_states.h"

namespace ackwire {

StatusOr<std::map<v1::DeliveryState, std::uint64_t>> StatesOfRun(const Store& store,
                                                                 const DeliveryRun& run,
                                                                 Timestamp now) {
  const LedgerReader& ledger = store.ledger();
  // The entry first: what it does not show settled may be settled by the time the rest is read, and
  // is counted once all the same.
  const StatusOr<LedgerEntry> entry = ledger.Entry(run.client, run.channel);
  if (!entry.ok()) return entry.status();
  const StatusOr<std::vector<Seq>> parked = ledger.ParkedSeqs(run.client, run.channel, run.seqs);
  if (!parked.ok()) return parked.status();
  const StatusOr<SeqRuns> acked = ledger.AckedOf(run.client, run.channel, run.seqs);
  if (!acked.ok()) return acked.status();
  const std::set<Seq> is_parked(parked->begin(), parked->end());
  std::map<v1::DeliveryState, std::uint64_t> states;
  for (Seq seq = run.seqs.first; seq <= run.seqs.last; ++seq.value) {
    const bool owed = entry->subscribed() && seq >= entry->start();
    if (owed && !entry->IsSettled(seq)) {
      const auto retry = entry->retries().find(seq);
      const bool backoff = retry != entry->retries().end() && retry->second.due > now &&
                           retry->second.reason != v1::REASON_RECALLED;
      ++states[backoff ? v1::DELIVERY_STATE_BACKOFF : v1::DELIVERY_STATE_PENDING];
    } else if (is_parked.contains(seq)) {
      ++states[v1::DELIVERY_STATE_PARKED];
    } else if (acked->Contains(seq)) {
      ++states[v1::DELIVERY_STATE_ACKED];
    } else {
      ++states[v1::DELIVERY_STATE_ABANDONED];
    }
  }
  return states;
}

}  // namespace ackwire
