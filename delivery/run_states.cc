#include "delivery/run_states.h"

#include <algorithm>

namespace ackwire {
namespace {

SeqRuns Within(const SeqRuns& runs, SeqRun bounds) {
  SeqRuns out;
  for (const SeqRun& run : runs.runs()) {
    const SeqRun part{std::max(run.first, bounds.first), std::min(run.last, bounds.last)};
    if (part.first <= part.last) out.Add(part);
  }
  return out;
}

std::uint64_t CountOfBoth(const SeqRuns& one, const SeqRuns& other) {
  std::uint64_t count = 0;
  for (const SeqRun& run : one.runs()) count += Within(other, run).count();
  return count;
}

}  // namespace

StatusOr<std::map<v1::DeliveryState, std::uint64_t>> StatesOfRun(const Store& store,
                                                                 const DeliveryRun& run,
                                                                 Timestamp now) {
  const LedgerReader& ledger = store.ledger();
  // The entry first: what it shows unsettled is counted so, whatever is read of it afterwards.
  const StatusOr<LedgerEntry> entry = ledger.Entry(run.client, run.channel);
  if (!entry.ok()) return entry.status();
  const StatusOr<SeqRuns> parked = ledger.ParkedOf(run.client, run.channel, run.seqs);
  if (!parked.ok()) return parked.status();
  const StatusOr<SeqRuns> acked = ledger.AckedOf(run.client, run.channel, run.seqs);
  if (!acked.ok()) return acked.status();
  const SeqRuns owed =
      entry->subscribed() ? Within(entry->UndeliveredRuns(run.seqs.last), run.seqs) : SeqRuns();
  std::uint64_t backoff = 0;
  const auto retries_end = entry->retries().upper_bound(run.seqs.last);
  for (auto at = entry->retries().lower_bound(run.seqs.first); at != retries_end; ++at) {
    const bool waits = at->second.due > now && at->second.reason != v1::REASON_RECALLED;
    if (waits && owed.Contains(at->first)) ++backoff;
  }
  const std::uint64_t parked_count = parked->count() - CountOfBoth(*parked, owed);
  const SeqRuns acked_here = Within(*acked, run.seqs);
  const std::uint64_t acked_count =
      acked_here.count() - CountOfBoth(acked_here, owed) - CountOfBoth(acked_here, *parked);
  std::map<v1::DeliveryState, std::uint64_t> states = {
      {v1::DELIVERY_STATE_PENDING, owed.count() - backoff},
      {v1::DELIVERY_STATE_BACKOFF, backoff},
      {v1::DELIVERY_STATE_PARKED, parked_count},
      {v1::DELIVERY_STATE_ACKED, acked_count}};
  const std::uint64_t known = owed.count() + parked_count + acked_count;
  states[v1::DELIVERY_STATE_ABANDONED] = run.seqs.length() - std::min(run.seqs.length(), known);
  std::erase_if(states, [](const auto& state) { return state.second == 0; });
  return states;
}

}  // namespace ackwire
