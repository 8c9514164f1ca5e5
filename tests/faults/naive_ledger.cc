#include "tests/faults/naive_ledger.h"

#include "store/proto_time.h"

namespace ackwire {

NaiveLedger::NaiveLedger(const SurvivingLog& log) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < log.records.size(); ++i) {
    while (next < log.records[i].position()) ApplyMessage(log.messages[next++]);
    ApplyRecord(i + 1, log.records[i]);
  }
  while (next < log.messages.size()) ApplyMessage(log.messages[next++]);
}

void NaiveLedger::Apply(const CommittedGroup& group) {
  for (const StoredMessage& stored : group.messages) ApplyMessage(stored);
  if (group.number.value != 0) ApplyRecord(group.number.value, group.record);
}

void NaiveLedger::ApplyMessage(const StoredMessage& stored) {
  Channel& channel = channels_[stored.channel.value];
  channel.name = stored.message.channel();
  channel.messages.push_back(stored.message);
}

void NaiveLedger::ApplyRecord(std::uint64_t number, const store::JournalRecord& record) {
  for (int i = 0; i < record.events_size(); ++i) {
    ApplyEvent(EventId::Of({number}, static_cast<std::uint64_t>(i)).value, record.events(i));
  }
}

void NaiveLedger::ApplyEvent(std::uint64_t id, const store::Event& event) {
  if (event.has_replay_started() || event.has_replay_pinned() || event.has_replay_outcome() ||
      event.has_replay_controlled()) {
    return ApplyReplay(event);
  }
  const std::string& name = event.client();
  Client& client = clients_[name];
  if (event.has_session_opened() || event.has_session_closed()) {
    client.last_seen_at_ms = event.at_ms();
  }
  if (event.has_session_closed()) client.disconnects = event.session_closed().disconnects();
  if (event.has_subscribed()) {
    const auto& what = event.subscribed();
    channels_[what.channel()].name = what.channel_name();
    subscriptions_[{name, what.channel()}] = {.start = what.start(),
                                              .created_at_ms = event.at_ms()};
  }
  if (event.has_unsubscribed()) subscriptions_.erase({name, event.unsubscribed().channel()});
  if (event.has_acked()) {
    if (event.acked().after_disconnects()) client.disconnects = 0;
    for (const auto& part : event.acked().channels()) {
      const SubscriptionKey key{name, part.channel()};
      for (const auto& run : part.runs()) Settle(key, run.first(), run.last());
      for (const std::uint64_t seq : part.unparked()) subscriptions_.at(key).parked.erase(seq);
    }
  }
  if (event.has_failed()) Fail(event);
  if (event.has_parked()) {
    const SubscriptionKey key{name, event.parked().channel()};
    Settle(key, event.parked().seq(), event.parked().seq());
    subscriptions_.at(key).parked[event.parked().seq()] = id;
  }
  if (event.has_abandoned()) {
    for (const auto& run : event.abandoned().runs()) {
      Settle({name, event.abandoned().channel()}, run.first(), run.last());
    }
    for (const std::uint64_t seq : event.abandoned().unparked()) {
      subscriptions_.at({name, event.abandoned().channel()}).parked.erase(seq);
    }
  }
  if (event.has_client_paused()) {
    const auto& what = event.client_paused();
    client.paused_at_ms = what.paused() ? event.at_ms() : 0;
    client.pause_note = what.paused() ? what.note() : "";
  }
}

void NaiveLedger::Settle(const SubscriptionKey& key, std::uint64_t first, std::uint64_t last) {
  Subscription& subscription = subscriptions_.at(key);
  for (std::uint64_t seq = first; seq <= last; ++seq) {
    subscription.settled.insert(seq);
    subscription.retries.erase(seq);
  }
}

void NaiveLedger::Fail(const store::Event& event) {
  for (const auto& part : event.failed().channels()) {
    if (part.replay() != 0) continue;
    Subscription& subscription = subscriptions_.at({event.client(), part.channel()});
    for (const auto& run : part.runs()) {
      for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
        Retry& retry = subscription.retries[seq];
        retry = {run.attempt(), retry.counted + (part.counted() ? 1U : 0U), part.due_at_ms(),
                 event.failed().reason()};
      }
    }
  }
}

std::vector<std::uint64_t> NaiveLedger::Undelivered(const SubscriptionKey& key) const {
  std::vector<std::uint64_t> seqs;
  const Subscription& subscription = subscriptions_.at(key);
  const std::size_t last = channels_.at(key.second).messages.size();
  for (std::uint64_t seq = subscription.start; seq <= last; ++seq) {
    if (!subscription.settled.contains(seq)) seqs.push_back(seq);
  }
  return seqs;
}

}  // namespace ackwire
