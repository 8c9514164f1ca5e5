#include "store/ledger_entry.h"

#include "store/records.pb.h"

namespace ackwire {
namespace {

SeqRun RunOf(std::uint64_t first, std::uint64_t last) { return {Seq{first}, Seq{last}}; }

}  // namespace

LedgerEntry::LedgerEntry(Seq start, Timestamp created_at)
    : start_(start), floor_{start.value - 1}, created_at_(created_at) {}

LedgerEntry LedgerEntry::FromRow(const store::LedgerRow& row) {
  LedgerEntry entry;
  entry.start_ = Seq{row.start()};
  entry.floor_ = Seq{row.floor()};
  for (const auto& run : row.settled()) entry.settled_.Add(RunOf(run.first(), run.last()));
  for (const auto& retry : row.retries()) {
    entry.retries_[Seq{retry.seq()}] = {retry.attempts(), retry.counted(),
                                        FromUnixMs(retry.due_at_ms()), retry.reason()};
  }
  entry.parked_ = row.parked();
  entry.created_at_ = FromUnixMs(row.created_at_ms());
  entry.as_of_ = EventId{row.as_of()};
  return entry;
}

store::LedgerRow LedgerEntry::ToRow() const {
  store::LedgerRow row;
  row.set_start(start_.value);
  row.set_floor(floor_.value);
  for (const SeqRun& run : settled_.runs()) {
    auto* out = row.add_settled();
    out->set_first(run.first.value);
    out->set_last(run.last.value);
  }
  for (const auto& [seq, retry] : retries_) {
    auto* out = row.add_retries();
    out->set_seq(seq.value);
    out->set_attempts(retry.attempts);
    out->set_counted(retry.counted);
    out->set_due_at_ms(ToUnixMs(retry.due));
    out->set_reason(retry.reason);
  }
  row.set_parked(parked_);
  row.set_created_at_ms(ToUnixMs(created_at_));
  row.set_as_of(as_of_.value);
  return row;
}

void LedgerEntry::Fold(EventId id, const store::Event& event, ChannelId channel) {
  if (id <= as_of_) return;
  switch (event.what_case()) {
    case store::Event::kSubscribed:
      *this = LedgerEntry(Seq{event.subscribed().start()}, FromUnixMs(event.at_ms()));
      break;
    case store::Event::kUnsubscribed:
      *this = LedgerEntry();
      break;
    case store::Event::kAcked:
      for (const auto& part : event.acked().channels()) {
        if (part.channel() != channel.value) continue;
        for (const auto& run : part.runs()) Settle(RunOf(run.first(), run.last()));
        parked_ -= static_cast<std::uint64_t>(part.unparked_size());
      }
      break;
    case store::Event::kFailed:
      for (const auto& part : event.failed().channels()) {
        if (part.channel() != channel.value) continue;
        for (const auto& run : part.runs()) {
          Fail(RunOf(run.first(), run.last()),
               {run.attempt(), part.counted() ? 1U : 0U, FromUnixMs(part.due_at_ms()),
                event.failed().reason()});
        }
      }
      break;
    case store::Event::kParked:
      Park(Seq{event.parked().seq()});
      break;
    case store::Event::kAbandoned:
      for (const auto& run : event.abandoned().runs()) Settle(RunOf(run.first(), run.last()));
      parked_ -= static_cast<std::uint64_t>(event.abandoned().unparked_size());
      break;
    default:
      break;  // events of the client, not of a channel
  }
  as_of_ = id;
}

void LedgerEntry::Settle(SeqRun run) {
  if (run.last <= floor_ || run.last < run.first) return;  // rows on disk may say anything
  retries_.erase(retries_.lower_bound(run.first), retries_.upper_bound(run.last));
  settled_.Add(run);
  settled_.DropUpTo(floor_);
  floor_ = settled_.TakeRunFrom(Seq{floor_.value + 1});
}

void LedgerEntry::Fail(SeqRun run, const Retry& retry) {
  for (Seq seq = run.first; seq <= run.last; ++seq.value) {
    if (IsSettled(seq)) continue;
    Retry& kept = retries_[seq];
    const std::uint32_t counted = kept.counted + retry.counted;
    kept = retry;
    kept.counted = counted;
  }
}

void LedgerEntry::Park(Seq seq) {
  Settle({seq, seq});
  ++parked_;
}

Seq LedgerEntry::FirstUnsettled(Seq from) const {
  return settled_.FirstMissing(from <= floor_ ? Seq{floor_.value + 1} : from);
}

std::uint64_t LedgerEntry::Undelivered(Seq last) const {
  if (!subscribed() || last <= floor_) return 0;
  return last.value - floor_.value - settled_.count();
}

SeqRuns LedgerEntry::UndeliveredRuns(Seq last) const {
  SeqRuns runs;
  if (!subscribed()) return runs;
  Seq from{floor_.value + 1};
  for (const SeqRun& run : settled_.runs()) {
    if (from < run.first) runs.Add({from, Seq{run.first.value - 1}});
    from = Seq{run.last.value + 1};
  }
  if (from <= last) runs.Add({from, last});
  return runs;
}

}  // namespace ackwire
