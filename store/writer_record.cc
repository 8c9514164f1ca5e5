// What the writer makes of events that are put on record.
#include <rocksdb/write_batch.h>

#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "store/eraser.h"
#include "store/forgetter.h"
#include "store/keys.h"
#include "store/writer.h"

namespace ackwire {

StatusOr<Recorded> Writer::Record(JournalWork& work, StagedGroup& staged) {
  if (const Status pinned = CheckPinned(work, staged); !pinned.ok()) return pinned;
  Recorded recorded;
  // What concerns a row that cannot be read is refused, and with a session's opening all that the
  // session did; the other clients' events in this work are not.
  Status status;
  absl::flat_hash_set<std::string> refused;
  for (store::Event& event : work.events) {
    if (refused.contains(event.client())) continue;
    if (event.has_session_opened()) {
      const StatusOr<ClientState*> client = staged.Client(event.client());
      if (!client.ok()) {
        status.Update(client.status());
        refused.insert(event.client());
        continue;
      }
      event.mutable_session_opened()->set_new_client(!(*client)->known);
      (*client)->known = true;
    }
    if (event.has_unsubscribed()) {
      status.Update(EndSubscription(std::move(event), staged, recorded));
    } else if (event.abandoned().unparked_size() > 0) {
      status.Update(Dismiss(std::move(event), staged, recorded));
    } else if (event.has_client_forgotten()) {
      status.Update(Forget(std::move(event), staged));
    } else if (event.has_client_paused()) {
      status.Update(Pause(std::move(event), staged));
    } else if (event.has_acked()) {
      status.Update(AddAcked(std::move(event), staged));
    } else if (event.has_replay_outcome() && (staged.Forgets(event.client()) || !IsOpen(event))) {
      // It was settled since, or its client is forgotten: then nobody's name may come back with it.
    } else {
      if (event.has_replay_started()) {
        recorded.replay = {staged.NextEventId().value};
        event.mutable_replay_started()->set_replay(recorded.replay.value);
      }
      if (event.has_replay_pinned()) {
        event.mutable_replay_pinned()->set_replay(recorded.replay.value);
      }
      staged.Add(std::move(event));
    }
  }
  return status.ok() ? StatusOr<Recorded>(recorded) : status;
}

// A plan may be older than the order to forget one of its clients, whose name would come back.
Status Writer::CheckPinned(const JournalWork& work, StagedGroup& staged) {
  for (const store::Event& event : work.events) {
    if (!event.has_replay_pinned()) continue;
    const StatusOr<ClientState*> client = staged.Client(event.client());
    // A row that cannot be read is no reason to refuse the others' deliveries.
    if (!client.ok() || (*client)->known) continue;
    return Error(StatusCode::kFailedPrecondition,
                 "plan: it delivers to " + event.client() +
                     ", which was forgotten after it was made; make another plan");
  }
  return OkStatus();
}

bool Writer::IsOpen(const store::Event& outcome) const {
  return deps_.derived.Read([&](const DerivedView& view) {
    const ReplayTable::Open& open = view.replays.OpenOf({outcome.replay_outcome().replay()});
    return open.contains({outcome.client(), ChannelId{outcome.replay_outcome().channel()}});
  });
}

// Whoever hands a replay's deliveries over has read what is parked some time ago.
Status Writer::AddAcked(store::Event event, StagedGroup& staged) {
  Status status;
  // Two replays may have delivered the same, and the client acknowledged both before either was
  // written down: it is parked once.
  std::set<std::pair<std::uint64_t, Seq>> unparked;
  for (const store::AckedChannel& part : event.acked().channels()) {
    for (const std::uint64_t seq : part.unparked()) unparked.insert({part.channel(), {seq}});
  }
  for (store::AckedChannel& part : *event.mutable_acked()->mutable_channels()) {
    for (const auto& run : part.replayed()) {
      for (Seq seq{run.first()}; seq.value <= run.last(); ++seq.value) {
        if (unparked.contains({part.channel(), seq})) continue;
        const StatusOr<bool> parked = staged.IsParked(event.client(), {part.channel()}, seq);
        // Where that cannot be read it stays parked; what else was acknowledged is not refused.
        status.Update(parked.status());
        if (!parked.ok() || !*parked) continue;
        unparked.insert({part.channel(), seq});
        part.add_unparked(seq.value);
      }
    }
  }
  staged.Add(std::move(event));
  return status;
}

Status Writer::EndSubscription(store::Event event, StagedGroup& staged, Recorded& recorded) {
  const std::string client_name = event.client();
  auto& record = *event.mutable_unsubscribed();
  const ChannelId channel{record.channel()};
  const StatusOr<ClientState*> client = staged.Client(client_name);
  const StatusOr<LedgerEntry*> entry = staged.Entry(client_name, channel);
  const StatusOr<std::set<Seq>> parked = staged.ParkedSeqs(client_name, channel);
  if (!client.ok()) return client.status();
  if (!entry.ok()) return entry.status();
  if (!parked.ok()) return parked.status();
  if (!(*entry)->subscribed()) return OkStatus();  // asked for twice before the first was on disk
  --(*client)->subscriptions;
  record.clear_parked();
  for (const Seq seq : *parked) record.add_parked(seq.value);
  recorded.ended = staged.AddUnsubscribed(std::move(event), **entry);
  return OkStatus();
}

Status Writer::Dismiss(store::Event event, StagedGroup& staged, Recorded& recorded) {
  store::Abandoned& abandoned = *event.mutable_abandoned();
  const std::set<std::uint64_t> asked(abandoned.unparked().begin(), abandoned.unparked().end());
  const auto parked = staged.ParkedSeqs(event.client(), {abandoned.channel()},
                                        {{*asked.begin()}, {*asked.rbegin()}});
  if (!parked.ok()) return parked.status();
  abandoned.clear_unparked();
  for (const std::uint64_t seq : asked) {
    if (parked->contains({seq})) abandoned.add_unparked(seq);
  }
  recorded.dismissed += static_cast<std::uint64_t>(abandoned.unparked_size());
  if (abandoned.unparked_size() > 0 || abandoned.runs_size() > 0) staged.Add(std::move(event));
  return OkStatus();
}

// Whoever made the order has read these messages: of two orders for one, the later one's reason
// stays.
void Writer::Remove(RemoveWork& work, StagedGroup& staged) {
  for (const RemoveWork::Row& row : work.rows) {
    batch_->Put(deps_.database.handle(Family::kLog), keys::Log(row.position), row.stub);
    batch_->Delete(deps_.database.handle(Family::kIds), keys::Ids(row.channel, row.id_hash));
    if (!work.erase) continue;
    batch_->Put(deps_.database.handle(Family::kMeta), Eraser::KeyOf(row.position), "");
  }
  work.event.set_at_ms(ToUnixMs(staged.now()));
  staged.Add(std::move(work.event));
}

Status Writer::Forget(store::Event event, StagedGroup& staged) {
  const std::string client_name = event.client();
  const StatusOr<ClientState*> client = staged.Client(client_name);
  if (!client.ok()) return client.status();
  if (!(*client)->known) return OkStatus();
  if ((*client)->subscriptions > 0) {
    return Error(StatusCode::kAborted,
                 "client: " + client_name + " was subscribed anew meanwhile; try again");
  }
  **client = {};
  event.mutable_client_forgotten()->set_counted(true);
  batch_->Put(deps_.database.handle(Family::kMeta), Forgetter::KeyOf(staged.NextEventId()),
              client_name);
  staged.AddForgotten(std::move(event));
  return OkStatus();
}

Status Writer::Pause(store::Event event, StagedGroup& staged) {
  const StatusOr<ClientState*> client = staged.Client(event.client());
  if (!client.ok()) return client.status();
  event.mutable_client_paused()->set_new_client(!std::exchange((*client)->known, true));
  staged.Add(std::move(event));
  return OkStatus();
}

}  // namespace ackwire
