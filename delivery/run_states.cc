#include "delivery/run_states.h"

#include <algorithm>
#include <utility>

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

StatusOr<RunOnRecord> RunOnRecord::Read(const Store& store, const DeliveryRun& run) {
  const LedgerReader& ledger = store.ledger();
  // The entry first: what it shows unsettled is counted so, whatever is read of it afterwards.
  StatusOr<LedgerEntry> entry = ledger.Entry(run.client, run.channel);
  if (!entry.ok()) return entry.status();
  StatusOr<SeqRuns> parked = ledger.ParkedOf(run.client, run.channel, run.seqs);
  if (!parked.ok()) return parked.status();
  StatusOr<SeqRuns> acked = ledger.AckedOf(run.client, run.channel, run.seqs);
  if (!acked.ok()) return acked.status();
  RunOnRecord read;
  read.entry_ = *std::move(entry);
  read.parked_ = *std::move(parked);
  read.acked_ = *std::move(acked);
  return read;
}

StateCounts RunOnRecord::StatesOf(SeqRun part, Timestamp now) const {
  const SeqRuns owed =
      entry_.subscribed() ? Within(entry_.UndeliveredRuns(part.last), part) : SeqRuns();
  std::uint64_t backoff = 0;
  const auto retries_end = entry_.retries().upper_bound(part.last);
  for (auto at = entry_.retries().lower_bound(part.first); at != retries_end; ++at) {
    const bool waits = at->second.due > now && at->second.reason != v1::REASON_RECALLED;
    if (waits && owed.Contains(at->first)) ++backoff;
  }
  const SeqRuns parked = Within(parked_, part);
  const std::uint64_t parked_count = parked.count() - CountOfBoth(parked, owed);
  const SeqRuns acked = Within(acked_, part);
  const std::uint64_t acked_count =
      acked.count() - CountOfBoth(acked, owed) - CountOfBoth(acked, parked);
  StateCounts states = {{v1::DELIVERY_STATE_PENDING, owed.count() - backoff},
                        {v1::DELIVERY_STATE_BACKOFF, backoff},
                        {v1::DELIVERY_STATE_PARKED, parked_count},
                        {v1::DELIVERY_STATE_ACKED, acked_count}};
  const std::uint64_t known = owed.count() + parked_count + acked_count;
  states[v1::DELIVERY_STATE_ABANDONED] = part.length() - std::min(part.length(), known);
  std::erase_if(states, [](const auto& state) { return state.second == 0; });
  return states;
}

StatusOr<StateCounts> StatesOfRun(const Store& store, const DeliveryRun& run, Timestamp now) {
  const StatusOr<RunOnRecord> read = RunOnRecord::Read(store, run);
  if (!read.ok()) return read.status();
  return read->StatesOf(run.seqs, now);
}

}  // namespace ackwire
