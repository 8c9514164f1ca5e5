#include "store/restage.h"

#include <algorithm>
#include <set>
#include <utility>

#include "store/staged_group.h"

namespace ackwire {
namespace {

// The part of [first, last] that is owed and unsettled.
std::vector<SeqRun> Owed(const SeqRuns& undelivered, SeqRun run) {
  std::vector<SeqRun> out;
  for (const SeqRun& each : undelivered.runs()) {
    const SeqRun part{std::max(each.first, run.first), std::min(each.last, run.last)};
    if (part.first <= part.last) out.push_back(part);
  }
  return out;
}

void SetRun(auto& out, SeqRun run) {
  out.set_first(run.first.value);
  out.set_last(run.last.value);
}

// Replaces each run by the parts of it that are owed; they keep the rest of what the run says.
// Runs that are wholly owed stay. Returns whether anything changed.
template <typename Runs>
bool KeepOwed(const SeqRuns& undelivered, Runs& runs) {
  Runs kept;
  bool changed = false;
  for (const auto& run : runs) {
    const SeqRun whole{Seq{run.first()}, Seq{run.last()}};
    const std::vector<SeqRun> parts = Owed(undelivered, whole);
    changed = changed || parts != std::vector{whole};
    for (const SeqRun& part : parts) {
      auto* out = kept.Add();
      *out = run;
      SetRun(*out, part);
    }
  }
  if (changed) runs = std::move(kept);
  return changed;
}

// A parked delivery whose parking is lost is one that is owed: it is moved to the runs. Returns
// whether anything changed.
template <typename Runs>
bool KeepParked(const std::set<Seq>& parked, Runs& runs,
                google::protobuf::RepeatedField<std::uint64_t>& unparked) {
  google::protobuf::RepeatedField<std::uint64_t> kept;
  for (const std::uint64_t seq : unparked) {
    if (parked.contains({seq})) {
      kept.Add(seq);
    } else {
      SetRun(*runs.Add(), {Seq{seq}, Seq{seq}});
    }
  }
  const bool changed = kept.size() != unparked.size();
  unparked = std::move(kept);
  return changed;
}

// The seqs of the runs up to `last`. Returns whether anything changed.
template <typename Runs>
bool KeepUpTo(Seq last, Runs& runs) {
  Runs kept;
  bool changed = false;
  for (const auto& run : runs) {
    changed = changed || run.last() > last.value;
    if (run.first() > last.value) continue;
    auto* out = kept.Add();
    *out = run;
    out->set_last(std::min(run.last(), last.value));
  }
  if (changed) runs = std::move(kept);
  return changed;
}

}  // namespace

StatusOr<SharedGroup> Restage::Record(const store::JournalRecord& record) {
  StagedGroup staged({derived_, ledger_}, FromUnixMs(record.at_ms()), 0);
  for (const store::Event& event : record.events()) {
    if (Status status = Add(event, staged); !status.ok()) return status;
  }
  if (std::shared_ptr<CommittedGroup> group = staged.Finish()) return SharedGroup(group);
  // Without events: it keeps the number of one that is lost.
  auto group = std::make_shared<CommittedGroup>();
  derived_.Read([&](const DerivedView& view) {
    group->last = view.last_position;
    group->number = {view.last_number.value + 1};
  });
  group->at = FromUnixMs(record.at_ms());
  group->record.set_at_ms(record.at_ms());
  group->record.set_position(group->last.value);
  return SharedGroup(group);
}

Status Restage::Add(store::Event event, StagedGroup& staged) {
  switch (event.what_case()) {
    case store::Event::kSessionOpened:
    case store::Event::kSessionClosed:
    case store::Event::kClientPaused:
      return AddClientEvent(std::move(event), staged);
    case store::Event::kSubscribed:
      return AddSubscribed(std::move(event), staged);
    case store::Event::kUnsubscribed:
      return AddUnsubscribed(std::move(event), staged);
    case store::Event::kAcked:
      return AddAcked(std::move(event), staged);
    case store::Event::kFailed:
      return AddFailed(std::move(event), staged);
    case store::Event::kParked:
      return AddParked(std::move(event), staged);
    case store::Event::kAbandoned:
      return AddAbandoned(std::move(event), staged);
    case store::Event::kRemoved:
      AddRemoved(std::move(event), staged);
      return OkStatus();
    // A replay's fold settles what it has open, whatever its outcomes name.
    case store::Event::kReplayStarted:
    case store::Event::kReplayPinned:
    case store::Event::kReplayOutcome:
    case store::Event::kReplayControlled:
    case store::Event::kChannelMade:
    // The client's events are erased.
    case store::Event::kClientForgotten:
    case store::Event::WHAT_NOT_SET:
      break;
  }
  staged.Add(std::move(event));
  return OkStatus();
}

void Restage::AddOrClear(bool keep, store::Event event, StagedGroup& staged) {
  if (!keep) {
    event.clear_what();
    ++changed_;
  }
  staged.Add(std::move(event));
}

Status Restage::AddClientEvent(store::Event event, StagedGroup& staged) {
  const StatusOr<ClientState*> client = staged.Client(event.client());
  if (!client.ok()) return client.status();
  const bool known = std::exchange((*client)->known, true);
  if (event.has_session_opened()) {
    event.mutable_session_opened()->set_new_client(!known);
  } else if (event.has_client_paused()) {
    event.mutable_client_paused()->set_new_client(!known);
  } else if (!known) {
    // Its opening is lost. A client is counted when it is first heard of, so this becomes one.
    event.mutable_session_opened()->set_new_client(true);
    ++changed_;
  }
  staged.Add(std::move(event));
  return OkStatus();
}

Status Restage::AddSubscribed(store::Event event, StagedGroup& staged) {
  const ChannelId channel{event.subscribed().channel()};
  const StatusOr<LedgerEntry*> entry = staged.Entry(event.client(), channel);
  if (!entry.ok()) return entry.status();
  const StatusOr<ClientState*> client = staged.Client(event.client());
  if (!client.ok()) return client.status();
  if ((*entry)->subscribed()) {
    AddOrClear(false, std::move(event), staged);
    return OkStatus();
  }
  store::Subscribed& subscribed = *event.mutable_subscribed();
  const std::uint64_t start = std::min(subscribed.start(), staged.LastOf(channel).value + 1);
  if (start != subscribed.start()) ++changed_;
  subscribed.set_start(start);
  subscribed.set_new_client(!std::exchange((*client)->known, true));
  ++(*client)->subscriptions;
  staged.Add(std::move(event));
  return OkStatus();
}

Status Restage::AddUnsubscribed(store::Event event, StagedGroup& staged) {
  const ChannelId channel{event.unsubscribed().channel()};
  const std::string client_name = event.client();
  const StatusOr<LedgerEntry*> entry = staged.Entry(client_name, channel);
  if (!entry.ok()) return entry.status();
  const StatusOr<ClientState*> client = staged.Client(client_name);
  if (!client.ok()) return client.status();
  const StatusOr<std::set<Seq>> parked = staged.ParkedSeqs(client_name, channel);
  if (!parked.ok()) return parked.status();
  if (!(*entry)->subscribed()) {
    AddOrClear(false, std::move(event), staged);
    return OkStatus();
  }
  --(*client)->subscriptions;
  event.mutable_unsubscribed()->clear_parked();
  for (const Seq seq : *parked) event.mutable_unsubscribed()->add_parked(seq.value);
  (void)staged.AddUnsubscribed(std::move(event), **entry);
  return OkStatus();
}

Status Restage::AddAcked(store::Event event, StagedGroup& staged) {
  bool changed = false;
  store::Acked kept;
  kept.set_after_disconnects(event.acked().after_disconnects());
  for (store::AckedChannel part : event.acked().channels()) {
    const ChannelId channel{part.channel()};
    const StatusOr<LedgerEntry*> entry = staged.Entry(event.client(), channel);
    if (!entry.ok()) return entry.status();
    const StatusOr<std::set<Seq>> parked = staged.ParkedSeqs(event.client(), channel);
    if (!parked.ok()) return parked.status();
    const SeqRuns undelivered = (*entry)->UndeliveredRuns(staged.LastOf(channel));
    changed = KeepParked(*parked, *part.mutable_runs(), *part.mutable_unparked()) || changed;
    changed = KeepOwed(undelivered, *part.mutable_runs()) || changed;
    changed = KeepUpTo(staged.LastOf(channel), *part.mutable_replayed()) || changed;
    const bool keeps = part.runs_size() + part.unparked_size() + part.replayed_size() > 0;
    if (keeps) *kept.add_channels() = std::move(part);
  }
  if (!changed) {
    staged.Add(std::move(event));
    return OkStatus();
  }
  const bool keep = kept.channels_size() > 0;
  if (keep) {
    *event.mutable_acked() = std::move(kept);
    ++changed_;
  }
  AddOrClear(keep, std::move(event), staged);
  return OkStatus();
}

Status Restage::AddFailed(store::Event event, StagedGroup& staged) {
  bool changed = false;
  store::Failed kept = event.failed();
  kept.clear_channels();
  for (store::FailedChannel part : event.failed().channels()) {
    changed = KeepUpTo(staged.LastOf({part.channel()}), *part.mutable_runs()) || changed;
    if (part.runs_size() > 0) *kept.add_channels() = std::move(part);
  }
  const bool keep = !changed || kept.channels_size() > 0;
  if (changed && keep) {
    *event.mutable_failed() = std::move(kept);
    ++changed_;
  }
  AddOrClear(keep, std::move(event), staged);
  return OkStatus();
}

Status Restage::AddParked(store::Event event, StagedGroup& staged) {
  const ChannelId channel{event.parked().channel()};
  const Seq seq{event.parked().seq()};
  const StatusOr<LedgerEntry*> entry = staged.Entry(event.client(), channel);
  if (!entry.ok()) return entry.status();
  const bool owed =
      (*entry)->subscribed() && seq <= staged.LastOf(channel) && !(*entry)->IsSettled(seq);
  AddOrClear(owed, std::move(event), staged);
  return OkStatus();
}

Status Restage::AddAbandoned(store::Event event, StagedGroup& staged) {
  const ChannelId channel{event.abandoned().channel()};
  const StatusOr<LedgerEntry*> entry = staged.Entry(event.client(), channel);
  if (!entry.ok()) return entry.status();
  const StatusOr<std::set<Seq>> parked = staged.ParkedSeqs(event.client(), channel);
  if (!parked.ok()) return parked.status();
  const SeqRuns undelivered = (*entry)->UndeliveredRuns(staged.LastOf(channel));
  store::Abandoned& abandoned = *event.mutable_abandoned();
  bool changed = KeepParked(*parked, *abandoned.mutable_runs(), *abandoned.mutable_unparked());
  changed = KeepOwed(undelivered, *abandoned.mutable_runs()) || changed;
  const bool keep = abandoned.runs_size() > 0 || abandoned.unparked_size() > 0;
  if (changed && keep) ++changed_;
  AddOrClear(keep, std::move(event), staged);
  return OkStatus();
}

// Of what lies beyond the log's end nothing is there to be removed; the next message of that number
// is another.
void Restage::AddRemoved(store::Event event, StagedGroup& staged) {
  store::Removed& removed = *event.mutable_removed();
  const bool changed = KeepUpTo(staged.LastOf({removed.channel()}), *removed.mutable_runs());
  const bool keep = removed.runs_size() > 0;
  if (changed && keep) ++changed_;
  AddOrClear(keep, std::move(event), staged);
}

}  // namespace ackwire
