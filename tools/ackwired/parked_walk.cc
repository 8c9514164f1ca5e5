#include "tools/ackwired/parked_walk.h"

#include <algorithm>

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
  const auto page = failures_.Read(
      filter_, {.from = failed_from_, .direction = Direction::kForward, .limit = kFailuresAtOnce});
  if (!page.ok()) return page.status();
  for (const Failure& failure : page->failures) {
    if (failure.id.number() > last_) {
      done_ = true;  // it came since, perhaps of this very dismissal
      return OkStatus();
    }
    if (Status status = AddParkedOf(failure, part); !status.ok()) return status;
  }
  failed_from_ = page->next;
  done_ = page->next.value == 0;
  return OkStatus();
}

Status ParkedWalk::AddParkedOf(const Failure& failure, Part& part) const {
  SeqRun wanted = failure.seqs;
  if (!filter_.message_id().empty()) {
    const auto message = store_.log().FindById(failure.channel, filter_.message_id());
    if (!message.ok()) return message.status();
    if (!message->has_value()) return OkStatus();
    wanted = {(*message)->seq(), (*message)->seq()};
  }
  // A run may be as long as a channel.
  for (Seq from = wanted.first; from <= wanted.last;) {
    const Seq to{std::min(wanted.last.value, from.value + kDismissedAtOnceMax - 1)};
    const auto parked = store_.ledger().ParkedOf(failure.client, failure.channel, {from, to});
    if (!parked.ok()) return parked.status();
    for (const SeqRun& run : parked->runs()) part[{failure.client, failure.channel}].Add(run);
    from = {to.value + 1};
  }
  return OkStatus();
}

}  // namespace ackwire
