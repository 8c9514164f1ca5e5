#include "tools/ackwired/parked_walk.h"

#include <algorithm>
#include <utility>

#include "delivery/delivery_server.h"

namespace ackwire {

ParkedWalk::ParkedWalk(const Store& store, const Clock& clock, v1::FailureFilter filter)
    : store_(store),
      failures_(store, clock),
      filter_(std::move(filter)),
      last_(store.derived().last_number()) {
  filter_.clear_open_only();  // what is parked is open
}

StatusOr<std::optional<ParkedWalk::Part>> ParkedWalk::Next() {
  if (done_) return std::optional<Part>();
  const bool by_failures = filter_.reasons_size() > 0 || filter_.has_since() ||
                           filter_.has_until() || !filter_.message_id().empty();
  Part part;
  const Status status = by_failures ? AddFailed(part) : AddParked(part);
  if (!status.ok()) return status;
  return std::optional<Part>(std::move(part));
}

bool ParkedWalk::IsWanted(ChannelId channel) const {
  if (filter_.channel().empty()) return true;
  return store_.derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Get(channel);
    return info != nullptr && ChannelFits(info->name, filter_.channel());
  });
}

Status ParkedWalk::AddParked(Part& part) {
  LedgerReader::ParkedQuery query{
      .client = filter_.client(), .from = parked_from_, .limit = kDismissedAtOnceMax};
  if (!filter_.channel().empty() && !filter_.channel().ends_with('*')) {
    query.channel = store_.derived().IdOf(filter_.channel());
    done_ = query.channel.value == 0;  // nothing can be parked in it
    if (done_) return OkStatus();
  }
  const auto page = store_.ledger().Parked(query);
  if (!page.ok()) return page.status();
  ChannelId looked_at;
  bool wanted = false;
  for (const ParkedDelivery& each : page->deliveries) {
    if (each.channel != looked_at) {
      looked_at = each.channel;
      wanted = IsWanted(looked_at);
    }
    if (wanted) part[{each.client, each.channel}].Add({each.seq, each.seq});
  }
  parked_from_ = page->next;
  done_ = page->next.empty();
  return OkStatus();
}

Status ParkedWalk::AddFailed(Part& part) {
  if (!query_) {
    auto query = failures_.QueryFor(filter_);
    if (!query.ok()) return query.status();
    done_ = !query->has_value();  // nothing can match
    if (done_) return OkStatus();
    const auto within = store_.failures().RecordsOf(**query);
    if (!within.ok()) return within.status();
    // What came since is perhaps of this very dismissal.
    within_ = {within->first, std::min(within->last, last_)};
    query_ = *std::move(query);
  }
  if (looked_for_.empty()) {
    if (Status status = ReadFailures(); !status.ok()) return status;
  }
  if (Status status = AddLookedFor(part); !status.ok()) return status;
  done_ = failures_end_ && looked_for_.empty();
  return OkStatus();
}

Status ParkedWalk::ReadFailures() {
  const auto page = store_.failures().List(*query_, {.from = failed_from_,
                                                     .direction = Direction::kForward,
                                                     .limit = kFailuresAtOnce,
                                                     .within = within_});
  if (!page.ok()) return page.status();
  for (const Failure& failure : page->failures) LookFor(failure);
  failed_from_ = page->next;
  failures_end_ = page->next.value == 0;
  return OkStatus();
}

void ParkedWalk::LookFor(const Failure& failure) {
  const SeqRun seqs = query_->seq.value == 0 ? failure.seqs : SeqRun{query_->seq, query_->seq};
  if (looked_at_runs_ > kLookedAtRunsMax) {
    looked_at_.clear();
    looked_at_runs_ = 0;
  }
  SeqRuns& looked_at = looked_at_[{failure.client, failure.channel}];
  if (looked_at.FirstMissing(seqs.first) > seqs.last) return;
  looked_at_runs_ -= looked_at.runs().size();
  looked_at.Add(seqs);
  looked_at_runs_ += looked_at.runs().size();
  looked_for_[{failure.client, failure.channel}].Add(seqs);
}

Status ParkedWalk::AddLookedFor(Part& part) {
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < kRunsAtOnce && found < kDismissedAtOnceMax; ++i) {
    if (looked_for_.empty()) break;
    const auto next = looked_for_.begin();
    const auto& [client, channel] = next->first;
    const SeqRun run = next->second.runs().front();
    // A run may be as long as a channel.
    const Seq last{std::min(run.last.value, run.first.value + kDismissedAtOnceMax - 1)};
    const auto parked = store_.ledger().ParkedOf(client, channel, SeqRun{run.first, last});
    if (!parked.ok()) return parked.status();
    for (const SeqRun& each : parked->runs()) part[next->first].Add(each);
    found += parked->count();
    next->second.DropUpTo(last);
    if (next->second.empty()) looked_for_.erase(next);
  }
  return OkStatus();
}

}  // namespace ackwire
