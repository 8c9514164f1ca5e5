#include "tools/ackwired/range_walk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "store/proto_time.h"

namespace ackwire {

RangeWalk::RangeWalk(const Store& store, v1::RangeSelection range)
    : store_(store), range_(std::move(range)) {
  channels_after_.limit = kChannelsAtOnce;
  if (range_.channel().ends_with('*')) {
    channels_after_.prefix = range_.channel().substr(0, range_.channel().size() - 1);
  }
}

StatusOr<bool> RangeWalk::Step(PlannedReplay& planned) {
  Status status;
  if (part_) {
    status = AddClients(planned);
  } else if (!channels_.empty()) {
    status = BeginChannel(channels_.front());
    channels_.pop_front();
  } else if (channels_end_) {
    return true;
  } else {
    status = ReadChannels();
  }
  if (!status.ok()) return status;
  return false;
}

Status RangeWalk::ReadChannels() {
  if (!range_.channel().ends_with('*')) {
    channels_end_ = true;
    const auto channel =
        store_.derived().Read([&](const DerivedView& view) -> std::optional<ChannelInfo> {
          const ChannelInfo* found = view.channels.Find(range_.channel());
          return found == nullptr ? std::nullopt : std::optional(*found);
        });
    if (!channel) {
      return Error(StatusCode::kNotFound,
                   "selection.range.channel: there is no channel " + range_.channel());
    }
    channels_.push_back(*channel);
    return OkStatus();
  }
  const std::vector<ChannelInfo> channels = store_.derived().Read(
      [this](const DerivedView& view) { return view.channels.List(channels_after_); });
  channels_end_ = channels.size() < channels_after_.limit;
  if (!channels.empty()) channels_after_.after = channels.back().name;
  channels_.assign(channels.begin(), channels.end());
  return OkStatus();
}

Status RangeWalk::BeginChannel(const ChannelInfo& channel) {
  const StatusOr<SeqRun> seqs = SeqsOf(channel);
  if (!seqs.ok()) return seqs.status();
  if (seqs->last < seqs->first) return OkStatus();
  part_ = Part{channel.id, *seqs};
  members_ = {.limit = kClientsAtOnce};
  return OkStatus();
}

Status RangeWalk::AddClients(PlannedReplay& planned) {
  bool at_end = true;
  if (!range_.client().empty()) {
    if (Status status = AddClient(range_.client(), planned); !status.ok()) return status;
  } else {
    const auto clients = store_.ledger().Members(part_->channel, members_);
    if (!clients.ok()) return clients.status();
    for (const std::string& client : *clients) {
      if (Status status = AddClient(client, planned); !status.ok()) return status;
    }
    at_end = clients->size() < members_.limit;
    if (!at_end) members_.after = clients->back();
  }
  if (at_end) part_.reset();
  return OkStatus();
}

Status RangeWalk::AddClient(const std::string& client, PlannedReplay& planned) const {
  const Part& part = *part_;
  const LedgerReader& ledger = store_.ledger();
  const StatusOr<LedgerEntry> entry = ledger.Entry(client, part.channel);
  if (!entry.ok()) return entry.status();
  const SeqRun seqs{std::max(part.seqs.first, entry->start()), part.seqs.last};
  if (!entry->subscribed() || seqs.last < seqs.first) return OkStatus();
  SeqRuns settled;
  settled.Add(seqs);
  const SeqRuns undelivered = entry->UndeliveredRuns(seqs.last);
  for (const SeqRun& owed : undelivered.runs()) {
    planned.plan.set_still_owed(planned.plan.still_owed() + settled.Remove(owed));
  }
  const StatusOr<SeqRuns> acked = ledger.AckedOf(client, part.channel, seqs);
  if (!acked.ok()) return acked.status();
  SeqRuns rest = settled;
  for (const SeqRun& run : acked->runs()) (void)rest.Remove(run);
  const std::uint64_t already = settled.count() - rest.count();
  planned.plan.set_already_acked(planned.plan.already_acked() + already);
  const SeqRuns& wanted = range_.include_acked() ? settled : rest;
  if (wanted.empty()) return OkStatus();
  planned.runs += wanted.runs().size();
  planned.open[{client, part.channel}] = wanted;
  return CheckSize(planned);
}

StatusOr<SeqRun> RangeWalk::SeqsOf(const ChannelInfo& channel) const {
  SeqRun seqs{std::max(Seq{range_.from_seq()}, channel.first), channel.last};
  if (range_.to_seq() != 0) seqs.last = std::min(seqs.last, Seq{range_.to_seq()});
  if (range_.has_since()) {
    const StatusOr<Seq> first = FirstSince(channel, TimeOf(range_.since()));
    if (!first.ok()) return first.status();
    seqs.first = std::max(seqs.first, *first);
  }
  if (range_.has_until()) {
    const StatusOr<Seq> behind = FirstSince(channel, TimeOf(range_.until()));
    if (!behind.ok()) return behind.status();
    seqs.last = std::min(seqs.last, Seq{behind->value - 1});
  }
  return seqs;
}

StatusOr<Seq> RangeWalk::FirstSince(const ChannelInfo& channel, Timestamp time) const {
  Seq low = channel.first;
  Seq behind{channel.last.value + 1};
  while (low < behind) {
    const Seq middle{low.value + (behind.value - low.value) / 2};
    const StatusOr<StoredMessage> message = store_.log().ReadSeq(channel.id, middle);
    if (!message.ok()) return message.status();
    if (TimeOf(message->message.published_at()) < time) {
      low = {middle.value + 1};
    } else {
      behind = middle;
    }
  }
  return low;
}

}  // namespace ackwire
