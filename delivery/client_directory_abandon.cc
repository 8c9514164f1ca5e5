// What many clients that are offline are owed no more, put on record together.
#include <utility>

#include "delivery/client_directory.h"

namespace ackwire {

bool ClientDirectory::TryHold(const std::string& client) {
  Record& record = records_[client];
  if (!record.free() || record.lost || record.claim || !record.changes.empty()) return false;
  record.busy = true;
  return true;
}

// It waits for no client while it has another: whoever has that one might wait for this one.
void ClientDirectory::AbandonOffline(ClientChanges changes, const OfflineAbandoned& done) {
  const auto held = std::make_shared<ClientChanges>();
  const auto others = std::make_shared<ClientChanges>();
  for (ClientChange& change : changes) {
    const bool is_held = TryHold(change.client);
    (is_held ? held : others)->push_back(std::move(change));
  }
  if (held->empty()) return done(OkStatus(), std::move(*others));
  const auto finish = [this, held, others, done](const Status& outcome) {
    Post([this, held, others, done, outcome] {
      for (const ClientChange& each : *held) Finished(each.client);
      done(outcome, std::move(*others));
    });
  };
  deps_.read([this, held, finish] { RecordAbandoned(held, finish); });
}

void ClientDirectory::RecordAbandoned(const std::shared_ptr<ClientChanges>& held,
                                      const std::function<void(const Status&)>& finish) {
  Status failure;  // the first, of a client that hinders no other
  JournalWork work;
  const std::int64_t at_ms = ToUnixMs(deps_.clock.Now());
  for (ClientChange& each : *held) {
    const StatusOr<ClientState> state = deps_.store.ledger().Client(each.client);
    Status status = state.status();
    if (status.ok() && !state->known) status = NeverSeen(each.client);
    if (status.ok()) status = LeaveOwed(each.client, each.event);
    failure.Update(status);
    if (!status.ok()) each.event.Clear();
    if (each.event.abandoned().runs().empty()) continue;
    store::Event& event = work.events.emplace_back(each.event);
    event.set_client(each.client);
    event.set_at_ms(at_ms);
  }
  if (work.events.empty()) return finish(failure);
  work.done = [this, held, finish, failure](const StatusOr<Recorded>& recorded) {
    if (!recorded.ok()) return finish(recorded.status());
    Post([this, held] { OnAbandoned(*held); });
    finish(failure);
  };
  deps_.store.Submit(std::move(work));
}

void ClientDirectory::OnAbandoned(const ClientChanges& recorded) {
  for (const ClientChange& each : recorded) {
    const store::Abandoned& abandoned = each.event.abandoned();
    if (abandoned.runs().empty()) continue;
    deps_.metrics.DeliveriesFailed(static_cast<v1::Reason>(abandoned.reason()),
                                   SeqRunsOf(abandoned.runs()).count());
    ForgetSent(each.client, abandoned);
  }
}

}  // namespace ackwire
