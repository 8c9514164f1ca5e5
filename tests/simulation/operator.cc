#include "tests/simulation/operator.h"

#include <utility>

#include "tests/simulation/server.h"

namespace ackwire {

void SimOperator::Begin() {
  world_.agenda.After(world_.Wait(8, 70), [this] {
    Act();
    Begin();
  });
}

void SimOperator::Act() {
  if (world_.server == nullptr) return;
  if (world_.calm) return ResumeSome();
  switch (world_.Below(11)) {
    case 0:
      return Unsubscribe();
    case 1:
    case 2:
      return Explain();
    case 3:
      return SetPaused(world_.AnyClient(), ControlRules::Pause::kPause);
    case 4:
    case 5:
      return ResumeSome();
    case 6:
      return Disconnect();
    case 7:
    case 8:
      return Dismiss();
    default:
      Subscribe();
  }
}

void SimOperator::Subscribe() {
  world_.findings.Event("subscribed elsewhere");
  SubscribeWork work;
  const std::uint64_t count = 1 + world_.Below(2);
  for (std::uint64_t i = 0; i < count; ++i) {
    work.requests.push_back({world_.AnyClient(), world_.AnyChannel(), world_.AnyStart()});
    const SubscribeRequest& request = work.requests.back();
    world_.deliveries.AsksSubscription(request.client, request.channel, request.start);
  }
  work.done = [](const StatusOr<std::vector<SubscriptionState>>&) {};
  world_.server->Submit(std::move(work));
}

void SimOperator::Unsubscribe() {
  const std::string client = world_.AnyClient();
  const std::string channel = world_.AnyChannel();
  world_.deliveries.AsksEnd(client, channel);
  world_.server->homes().Unsubscribe(
      client, channel,
      [this, client, channel,
       records = world_.deliveries.records()](const StatusOr<std::uint64_t>& abandoned) {
        if (abandoned.ok()) {
          world_.findings.Event("unsubscribed elsewhere");
          world_.deliveries.CheckEnded(client, channel, *abandoned);
        } else if (abandoned.status().code() == StatusCode::kNotFound) {
          world_.deliveries.CheckNone(client, channel, records);
        }
      });
}

// As AskLive of the delivery server: what the session knows is put on record first.
void SimOperator::Explain() {
  const std::string client = world_.AnyClient();
  world_.server->homes().AskSession(client, [this, client](Session* session) {
    const DeliveryRules::Acked acked = world_.deliveries.AckedOf(client);
    // What a session knew when no more could be written is on record nowhere.
    if (world_.server->failed()) return;
    if (session == nullptr) {
      world_.findings.Event("explained while offline");
      return world_.deliveries.CheckOnRecord(acked);
    }
    session->Record([this, acked] {
      if (world_.server->failed()) return;
      world_.findings.Event("explained while connected");
      world_.deliveries.CheckOnRecord(acked);
    });
  });
}

void SimOperator::SetPaused(const std::string& client, ControlRules::Pause what) {
  const bool pause = what == ControlRules::Pause::kPause;
  const ControlRules::PauseAsked asked = world_.deliveries.controls().AsksPause(client, what);
  store::Event change;
  change.mutable_client_paused()->set_paused(pause);
  change.mutable_client_paused()->set_note("by the operator");
  world_.server->homes().Change(
      client, std::move(change), [this, asked](const StatusOr<Recorded>& recorded) {
        world_.deliveries.controls().PauseAnswered(asked, recorded.status());
      });
}

void SimOperator::ResumeSome() {
  for (const std::string& client : world_.deliveries.controls().PausedClients()) {
    if (world_.calm || world_.OneIn(2)) SetPaused(client, ControlRules::Pause::kResume);
  }
}

// As Disconnect of the delivery server.
void SimOperator::Disconnect() {
  const std::string client = world_.AnyClient();
  world_.server->homes().AskSession(client, [this, client](Session* session) {
    if (session != nullptr) Shut(client, *session);
  });
}

void SimOperator::Shut(const std::string& client, Session& session) {
  const std::string id = session.ledger().session().id;
  session.Shut(close_code::kDisconnected, "disconnected by an operator");
  world_.server->homes().AskSession(client, [this, id](Session* next) {
    const bool resumed = next != nullptr && next->ledger().session().id == id;
    if (resumed || world_.server->failed() || world_.deliveries.HasClosed(id)) return;
    world_.findings.Violate("disconnected", "the end of " + id + " is not on record");
  });
}

// As Dismiss of the delivery server, for some of what a client has parked.
void SimOperator::Dismiss() {
  const auto& all = world_.deliveries.record().subscriptions();
  std::vector<ControlRules::Key> keys;
  for (const auto& [key, subscription] : all) {
    if (!subscription.parked.empty()) keys.push_back(key);
  }
  if (keys.empty()) return;
  const ControlRules::Key key = keys[world_.Below(keys.size())];
  store::Event change;
  store::Abandoned& abandoned = *change.mutable_abandoned();
  abandoned.set_channel(key.second);
  abandoned.set_reason(v1::REASON_DISMISSED);
  abandoned.set_detail("nobody wants it");
  std::vector<std::uint64_t> seqs;
  for (const auto& [seq, event] : all.at(key).parked) {
    if (world_.OneIn(3)) continue;
    seqs.push_back(seq);
    abandoned.add_unparked(seq);
  }
  if (seqs.empty()) return;
  world_.deliveries.controls().AsksDismissal(key, seqs);
  world_.server->homes().Change(key.first, std::move(change), [](const StatusOr<Recorded>&) {});
}

}  // namespace ackwire
