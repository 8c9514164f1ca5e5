#include "tools/ackwired/replay_plan.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "store/limits.h"
#include "store/proto_time.h"
#include "store/stub.h"
#include "tools/ackwired/failure_view.h"
#include "tools/ackwired/parked_walk.h"

namespace ackwire {
namespace {

Status TooMuch(const char* what, std::size_t most) {
  return Error(StatusCode::kResourceExhausted,
               "selection: more than " + std::to_string(most) + " " + what +
                   "; plan a part of it: one channel, one client, or a shorter time");
}

Status CheckSize(const PlannedReplay& planned) {
  if (planned.open.size() > kPlanPairsMax) {
    return TooMuch("clients and channels", kPlanPairsMax);
  }
  return planned.runs > kPlanRunsMax ? TooMuch("runs of deliveries", kPlanRunsMax) : OkStatus();
}

Status CheckRange(const v1::RangeSelection& range) {
  if (range.channel().empty()) return InvalidArgument("selection.range.channel: name a channel");
  v1::FailureFilter same;
  same.set_client(range.client());
  same.set_channel(range.channel());
  *same.mutable_since() = range.since();
  *same.mutable_until() = range.until();
  if (Status status = CheckFilter(same); !status.ok()) {
    return InvalidArgument("selection.range." + MessageOf(status));
  }
  if (range.to_seq() != 0 && range.to_seq() < range.from_seq()) {
    return InvalidArgument("selection.range.to_seq: " + std::to_string(range.to_seq()) +
                           " is before from_seq, " + std::to_string(range.from_seq()));
  }
  return OkStatus();
}

}  // namespace

JournalWork StartOf(const PlannedReplay& planned, const ReplayStarter& starter, Timestamp now) {
  JournalWork work;
  work.events.reserve(planned.open.size() + 1);
  store::Event& first = work.events.emplace_back();
  first.set_at_ms(ToUnixMs(now));
  store::ReplayStarted& started = *first.mutable_replay_started();
  started.set_selection(planned.selection.SerializeAsString());
  started.set_note(starter.note);
  started.set_started_by(starter.started_by);
  started.set_rate_per_second(planned.rate_per_second);
  started.set_deliveries(planned.plan.deliveries());
  started.set_messages(planned.plan.messages());
  started.set_bytes(planned.plan.bytes());
  for (const auto& [pair, seqs] : planned.open) {
    store::Event& event = work.events.emplace_back();
    event.set_client(pair.first);
    event.set_at_ms(ToUnixMs(now));
    store::ReplayPinned& pinned = *event.mutable_replay_pinned();
    pinned.set_channel(pair.second.value);
    PackRuns(seqs, *pinned.mutable_runs());
  }
  return work;
}

Status CheckPlan(const v1::PlanReplayRequest& request) {
  const v1::ReplaySelection& selection = request.selection();
  if (selection.has_failed() == selection.has_range()) {
    return InvalidArgument("selection: give `failed` or `range`, one of the two");
  }
  if (request.rate_per_second() > kReplayRateMax) {
    return InvalidArgument("rate_per_second: at most " + std::to_string(kReplayRateMax));
  }
  if (selection.has_range()) return CheckRange(selection.range());
  const Status status = CheckFilter(selection.failed());
  return status.ok() ? status : InvalidArgument("selection.failed." + MessageOf(status));
}

StatusOr<PlannedReplay> ReplayPlanner::Plan(
    const v1::PlanReplayRequest& request,
    const std::function<bool(const std::string&)>& online) const {
  PlannedReplay planned;
  planned.selection = request.selection();
  if (request.rate_per_second() != 0) planned.rate_per_second = request.rate_per_second();
  const v1::ReplaySelection& selection = planned.selection;
  const Status status = selection.has_failed() ? AddFailed(selection.failed(), planned)
                                               : AddRange(selection.range(), planned);
  if (!status.ok()) return status;
  if (Status measured = Measure(planned); !measured.ok()) return measured;
  std::set<std::string> clients;
  for (const auto& [pair, seqs] : planned.open) clients.insert(pair.first);
  v1::ReplayPlan& plan = planned.plan;
  plan.set_clients(clients.size());
  plan.set_offline_clients(static_cast<std::uint64_t>(std::count_if(
      clients.begin(), clients.end(), [&](const auto& each) { return !online(each); })));
  const auto milliseconds = plan.deliveries() * 1000 / planned.rate_per_second;
  *plan.mutable_estimated() = google::protobuf::util::TimeUtil::MillisecondsToDuration(
      static_cast<std::int64_t>(milliseconds));
  return planned;
}

Status ReplayPlanner::AddFailed(const v1::FailureFilter& filter, PlannedReplay& planned) const {
  ParkedWalk walk(store_, clock_, filter);
  for (;;) {
    auto part = walk.Next();
    if (!part.ok()) return part.status();
    if (!part->has_value()) return OkStatus();
    for (const auto& [pair, seqs] : **part) {
      SeqRuns& open = planned.open[pair];
      planned.runs -= open.runs().size();
      for (const SeqRun& run : seqs.runs()) open.Add(run);
      planned.runs += open.runs().size();
    }
    if (Status status = CheckSize(planned); !status.ok()) return status;
  }
}

Status ReplayPlanner::AddRange(const v1::RangeSelection& range, PlannedReplay& planned) const {
  constexpr std::size_t kChannelsAtOnce = 1000;
  if (!range.channel().ends_with('*')) {
    const auto channel =
        store_.derived().Read([&](const DerivedView& view) -> std::optional<ChannelInfo> {
          const ChannelInfo* found = view.channels.Find(range.channel());
          return found == nullptr ? std::nullopt : std::optional(*found);
        });
    if (!channel) {
      return Error(StatusCode::kNotFound,
                   "selection.range.channel: there is no channel " + range.channel());
    }
    return AddChannel(*channel, range, planned);
  }
  ChannelTable::Page page{.prefix = range.channel().substr(0, range.channel().size() - 1),
                          .limit = kChannelsAtOnce};
  for (;;) {
    const std::vector<ChannelInfo> channels = store_.derived().Read(
        [&page](const DerivedView& view) { return view.channels.List(page); });
    for (const ChannelInfo& channel : channels) {
      if (Status status = AddChannel(channel, range, planned); !status.ok()) return status;
    }
    if (channels.size() < page.limit) return OkStatus();
    page.after = channels.back().name;
  }
}

Status ReplayPlanner::AddChannel(const ChannelInfo& channel, const v1::RangeSelection& range,
                                 PlannedReplay& planned) const {
  constexpr std::size_t kClientsAtOnce = 1000;
  const StatusOr<SeqRun> seqs = SeqsOf(channel, range);
  if (!seqs.ok()) return seqs.status();
  if (seqs->last < seqs->first) return OkStatus();
  const Part part{channel.id, *seqs};
  if (!range.client().empty()) {
    return AddClient(range.client(), part, range.include_acked(), planned);
  }
  LedgerReader::Page page{.limit = kClientsAtOnce};
  for (;;) {
    const StatusOr<std::vector<std::string>> clients = store_.ledger().Members(channel.id, page);
    if (!clients.ok()) return clients.status();
    for (const std::string& client : *clients) {
      Status status = AddClient(client, part, range.include_acked(), planned);
      if (!status.ok()) return status;
    }
    if (clients->size() < page.limit) return OkStatus();
    page.after = clients->back();
  }
}

Status ReplayPlanner::AddClient(const std::string& client, const Part& part, bool include_acked,
                                PlannedReplay& planned) const {
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
  const SeqRuns& wanted = include_acked ? settled : rest;
  if (wanted.empty()) return OkStatus();
  planned.runs += wanted.runs().size();
  planned.open[{client, part.channel}] = wanted;
  return CheckSize(planned);
}

StatusOr<SeqRun> ReplayPlanner::SeqsOf(const ChannelInfo& channel,
                                       const v1::RangeSelection& range) const {
  SeqRun seqs{std::max(Seq{range.from_seq()}, channel.first), channel.last};
  if (range.to_seq() != 0) seqs.last = std::min(seqs.last, Seq{range.to_seq()});
  if (range.has_since()) {
    const StatusOr<Seq> first = FirstSince(channel, TimeOf(range.since()));
    if (!first.ok()) return first.status();
    seqs.first = std::max(seqs.first, *first);
  }
  if (range.has_until()) {
    const StatusOr<Seq> behind = FirstSince(channel, TimeOf(range.until()));
    if (!behind.ok()) return behind.status();
    seqs.last = std::min(seqs.last, Seq{behind->value - 1});
  }
  return seqs;
}

StatusOr<Seq> ReplayPlanner::FirstSince(const ChannelInfo& channel, Timestamp time) const {
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

Status ReplayPlanner::Measure(PlannedReplay& planned) const {
  std::map<ChannelId, ChannelOpen> channels;
  for (auto& [pair, seqs] : planned.open) channels[pair.second].push_back(&seqs);
  for (const auto& [channel, open] : channels) {
    if (Status status = MeasureChannel(channel, open, planned.plan); !status.ok()) return status;
  }
  std::erase_if(planned.open, [](const auto& each) { return each.second.empty(); });
  planned.runs = 0;
  for (const auto& [pair, seqs] : planned.open) {
    planned.plan.set_deliveries(planned.plan.deliveries() + seqs.count());
    planned.runs += seqs.runs().size();
  }
  return OkStatus();
}

namespace {

// A run of messages that all go to as many clients.
struct Share {
  SeqRun seqs;
  std::uint64_t clients = 0;
};

std::vector<Share> SharesOf(const std::vector<SeqRuns*>& open) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> changes;  // of the number of clients, by seq
  for (const SeqRuns* seqs : open) {
    for (const SeqRun& run : seqs->runs()) {
      changes.emplace_back(run.first.value, 1);
      changes.emplace_back(run.last.value + 1, -1);
    }
  }
  std::sort(changes.begin(), changes.end());
  std::vector<Share> shares;
  std::int64_t clients = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    clients += changes[i].second;
    const bool last_of_seq = i + 1 == changes.size() || changes[i + 1].first != changes[i].first;
    if (!last_of_seq || clients == 0) continue;
    shares.push_back(
        {{{changes[i].first}, {changes[i + 1].first - 1}}, static_cast<std::uint64_t>(clients)});
  }
  return shares;
}

}  // namespace

// Each message is read once, however many clients it goes to.
Status ReplayPlanner::MeasureChannel(ChannelId channel, const ChannelOpen& open,
                                     v1::ReplayPlan& plan) const {
  constexpr std::size_t kMessagesAtOnce = 1000;
  SeqRuns gone;
  for (const auto& [seqs, clients] : SharesOf(open)) {
    for (Seq seq = seqs.first; seq <= seqs.last;) {
      const std::size_t left = seqs.last.value - seq.value + 1;
      const auto messages = store_.log().ReadChannel(
          channel, {.from = seq.value, .messages_max = std::min(left, kMessagesAtOnce)});
      if (!messages.ok()) return messages.status();
      if (messages->empty()) break;
      for (const StoredMessage& stored : *messages) {
        seq = {stored.seq().value + 1};
        if (IsStub(stored)) {
          gone.Add({stored.seq(), stored.seq()});
          plan.set_no_longer_stored(plan.no_longer_stored() + clients);
          continue;
        }
        plan.set_messages(plan.messages() + 1);
        plan.set_bytes(plan.bytes() + clients * stored.message.payload().size());
      }
    }
  }
  for (SeqRuns* seqs : open) {
    for (const SeqRun& run : gone.runs()) (void)seqs->Remove(run);
  }
  return OkStatus();
}

}  // namespace ackwire
