#include "tests/simulation/operator.h"

#include <utility>

#include "tests/simulation/server.h"

namespace ackwire {

void SimOperator::Begin() {
  if (world_.calm) return;
  world_.agenda.After(world_.Wait(10, 120), [this] {
    Act();
    Begin();
  });
}

void SimOperator::Act() {
  if (world_.server == nullptr || world_.calm) return;
  switch (world_.Below(5)) {
    case 0:
      return Unsubscribe();
    case 1:
    case 2:
      return Explain();
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

}  // namespace ackwire
