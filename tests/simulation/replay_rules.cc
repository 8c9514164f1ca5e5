#include "tests/simulation/replay_rules.h"

#include <algorithm>

#include "delivery/replay_name.h"
#include "store/proto_time.h"
#include "tests/simulation/in_words.h"

namespace ackwire {
namespace {

std::string InWords(std::uint64_t replay, const NaiveLedger::DeliveryKey& delivery) {
  return NameOf(ReplayId{replay}) + ": " + ackwire::InWords(delivery);
}

}  // namespace

std::uint64_t ReplayRules::ChannelOf(const std::string& name) const {
  for (const auto& [id, channel] : record_.channels()) {
    if (channel.name == name) return id;
  }
  return 0;
}

void ReplayRules::AddSettled(const Key& key, const Expected& expected, Deliveries& out) const {
  if (!expected.client.empty() && key.first != expected.client) return;
  const NaiveLedger::Subscription& subscription = record_.subscriptions().at(key);
  for (const std::uint64_t seq : subscription.settled) {
    if (seq < subscription.start || seq < expected.first || seq > expected.last) continue;
    if (expected.parked_only && !subscription.parked.contains(seq)) continue;
    const v1::Message& message = record_.channels().at(key.second).messages[seq - 1];
    if (message.has_expires_at() && TimeOf(message.expires_at()) <= expected.now) continue;
    const bool acked = acked_on_record_.contains({key, seq});
    if (!acked || expected.acked_too) out.insert({key, seq});
  }
}

void ReplayRules::CheckPlan(const v1::ReplaySelection& selection, const Deliveries& planned,
                            Timestamp now) {
  constexpr std::uint64_t kAll = ~0ULL;
  Deliveries expected;
  for (const auto& [key, subscription] : record_.subscriptions()) {
    if (selection.has_failed()) {
      const std::string& channel = selection.failed().channel();
      if (channel != "*" && key.second != ChannelOf(channel)) continue;
      AddSettled(key, {selection.failed().client(), 0, kAll, true, true, now}, expected);
    } else {
      const v1::RangeSelection& range = selection.range();
      if (key.second != ChannelOf(range.channel())) continue;
      const std::uint64_t last = range.to_seq() == 0 ? kAll : range.to_seq();
      AddSettled(key, {range.client(), range.from_seq(), last, false, range.include_acked(), now},
                 expected);
    }
  }
  if (planned == expected) return;
  std::string what = selection.ShortDebugString() + ": ";
  for (const Delivery& each : planned) {
    if (!expected.contains(each)) what += InWords(each) + " is in it; ";
  }
  bool all = what.ends_with(": ");
  for (const Delivery& each : expected) {
    // The history does not tell an earlier subscription's acknowledgements from this one's.
    if (planned.contains(each) || acked_ever_.contains(each)) continue;
    what += InWords(each) + " is not; ";
    all = false;
  }
  if (!all) Violate("plan", what);
}

void ReplayRules::Acked(const Delivery& delivery, Sure sure) {
  perhaps_acked_at_[delivery] = number_;
  // Later ones are of replays of what is acknowledged.
  const bool first = !acked_on_record_.contains(delivery);
  if (sure == Sure::kYes && first) acked_at_.try_emplace(delivery, number_);
}

bool ReplayRules::IsSince(const std::map<Delivery, std::uint64_t>& numbers,
                          const Delivery& delivery, std::uint64_t replay) {
  const auto found = numbers.find(delivery);
  return found != numbers.end() && found->second >= EventId{replay}.number().value;
}

bool ReplayRules::WasDismissedSince(const Delivery& delivery, std::uint64_t replay) const {
  const auto by = dismissed_by_.find(delivery);
  return by != dismissed_by_.end() && by->second.value > replay;
}

void ReplayRules::CheckEvent(const store::Event& event, EventId id) {
  number_ = id.number().value;
  if (event.has_subscribed()) {
    subscribed_at_[{event.client(), event.subscribed().channel()}] = number_;
  }
  if (event.has_unsubscribed()) {
    const Key key{event.client(), event.unsubscribed().channel()};
    subscribed_at_.erase(key);
    std::erase_if(acked_on_record_, [&](const Delivery& each) { return each.first == key; });
    std::erase_if(acked_at_, [&](const auto& each) { return each.first.first == key; });
  }
  for (const auto& part : event.acked().channels()) {
    const Key key{event.client(), part.channel()};
    for (const auto* runs : {&part.runs(), &part.replayed()}) {
      for (const auto& run : *runs) {
        for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
          acked_on_record_.insert({key, seq});
        }
      }
    }
    for (const std::uint64_t seq : part.unparked()) acked_on_record_.insert({key, seq});
  }
  if (event.has_acked()) acked_ever_.insert(acked_on_record_.begin(), acked_on_record_.end());
  for (const std::uint64_t seq : event.abandoned().unparked()) {
    dismissed_by_[{{event.client(), event.abandoned().channel()}, seq}] = id;
  }
  if (event.has_replay_outcome()) CheckOutcome(event);
  if (!event.has_replay_controlled()) return;
  const std::uint64_t replay = event.replay_controlled().replay();
  switch (event.replay_controlled().action()) {
    case v1::ControlReplayRequest::PAUSE:
      findings_.Event("replays paused");
      stopped_by_[replay] = id;
      break;
    case v1::ControlReplayRequest::CANCEL:
      findings_.Event("replays cancelled");
      stopped_by_[replay] = id;
      break;
    case v1::ControlReplayRequest::RESUME:
      findings_.Event("replays resumed");
      resumed_at_[replay] = number_;
      stopped_by_.erase(replay);
      break;
    default:
      findings_.Event("replays given another rate");
  }
}

void ReplayRules::EndRecord(const store::JournalRecord& record) {
  for (const store::Event& event : record.events()) {
    if (event.has_replay_outcome()) {
      const Replay& replay = record_.replays().at(event.replay_outcome().replay());
      if (replay.ended_at_ms != 0 && !replay.Left().empty() && !replay.cancelled) {
        Violate("replay", "it has ended, and has something left");
      }
    }
    if (!event.has_replay_started()) continue;
    const Replay& replay = record_.replays().at(event.replay_started().replay());
    findings_.Event(replay.includes_acked() ? "replays of acked ones too" : "replays");
    if (replay.pinned.size() != replay.started.deliveries()) {
      Violate("replay", "another number is pinned than said");
    }
    const auto asked =
        std::find_if(starts_asked_.begin(), starts_asked_.end(),
                     [&](const Planned& planned) { return planned.deliveries == replay.pinned; });
    if (asked == starts_asked_.end()) {
      Violate("replay", "pins what was not planned");
    } else {
      planned_at_[event.replay_started().replay()] = asked->at;
      starts_asked_.erase(asked);
    }
  }
}

void ReplayRules::BeginLife() {
  acked_at_.clear();
  rejected_at_.clear();
  stopped_.clear();
  starts_asked_.clear();
  sent_in_life_ = 0;
  sent_before_life_ = sent_;
  for (const std::uint64_t id : Going()) {
    findings_.Event(sent_.contains(id) ? "replays gone on with after a start"
                                       : "replays begun by a later life");
  }
}

void ReplayRules::CheckOutcome(const store::Event& event) {
  const store::ReplayOutcome& outcome = event.replay_outcome();
  const auto found = record_.replays().find(outcome.replay());
  if (found == record_.replays().end()) return Violate("outcome", "there is no such replay");
  const Replay& replay = found->second;
  for (const auto& run : outcome.runs()) {
    for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
      const Delivery delivery{{event.client(), outcome.channel()}, seq};
      if (replay.ended_at_ms != 0 || !replay.IsLeft(delivery)) continue;
      bool right = false;
      ended_at_[{outcome.replay(), delivery}] = number_;
      if (outcome.kind() == store::ReplayOutcome::ACKED) {
        findings_.Event("replayed and acked");
        right = IsSince(perhaps_acked_at_, delivery, outcome.replay());
      } else if (outcome.kind() == store::ReplayOutcome::FAILED) {
        findings_.Event("replayed and failed");
        right = MayFail(outcome.replay(), outcome.reason(), delivery);
      } else {
        findings_.Event("skipped by a replay");
        right = MaySkip(outcome.replay(), outcome, delivery, event.at_ms());
      }
      if (right) continue;
      Violate("outcome",
              InWords(outcome.replay(), delivery) + " is not " + outcome.ShortDebugString());
    }
  }
}

bool ReplayRules::MayFail(std::uint64_t replay, int reason, const Delivery& delivery) const {
  if (reason == v1::REASON_REJECTED) return IsSince(rejected_at_, delivery, replay);
  // One sending is for all replays that have it open then.
  return reason == v1::REASON_MAX_ATTEMPTS &&
         std::any_of(sent_.begin(), sent_.end(),
                     [&](const auto& each) { return each.second.contains(delivery); });
}

bool ReplayRules::MaySkip(std::uint64_t replay, const store::ReplayOutcome& outcome,
                          const Delivery& delivery, std::int64_t at_ms) const {
  const auto& [key, seq] = delivery;
  const auto subscription = record_.subscriptions().find(key);
  const bool subscribed = subscription != record_.subscriptions().end();
  const bool anew = !subscribed || subscribed_at_.at(key) > planned_at_.at(replay);
  switch (outcome.reason()) {
    case v1::REASON_UNSUBSCRIBED:
    case v1::REASON_NO_SUBSCRIPTION:
    case v1::REASON_BEFORE_SUBSCRIPTION:
      return anew;
    case v1::REASON_DISMISSED:
      // Since it was planned.
      if (record_.replays().at(replay).of_failed() && dismissed_by_.contains(delivery)) return true;
      return anew || WasDismissedSince(delivery, replay);
    case v1::REASON_EXPIRED: {
      const v1::Message& message = record_.channels().at(key.second).messages[seq - 1];
      return message.has_expires_at() && ToUnixMs(TimeOf(message.expires_at())) <= at_ms;
    }
    case v1::REASON_UNSPECIFIED:
      if (outcome.state() == v1::DELIVERY_STATE_PENDING) return anew;
      return outcome.state() == v1::DELIVERY_STATE_ACKED && acked_on_record_.contains(delivery) &&
             (!record_.replays().at(replay).includes_acked() ||
              IsSince(perhaps_acked_at_, delivery, replay));
    default:
      return false;
  }
}

std::uint64_t ReplayRules::CheckSends(const std::string& name, const Delivery& delivery) {
  const std::uint64_t id = ParseReplayName(name).value_or(ReplayId{}).value;
  const auto found = record_.replays().find(id);
  if (found == record_.replays().end()) {
    Violate("replayed", name + " is not on record");
    return id;
  }
  const Replay& replay = found->second;
  findings_.Event("replayed");
  ++sent_in_life_;
  if (sent_before_life_[id].contains(delivery)) findings_.Event("replayed again after a start");
  sent_[id].insert(delivery);
  if (!replay.pinned.contains(delivery)) {
    Violate("replayed", InWords(id, delivery) + " was not pinned");
  } else if (!replay.IsLeft(delivery) && !WasResumedBefore(id, delivery)) {
    Violate("replayed", InWords(id, delivery) + " is no more left of it");
  }
  // Subscribed to anew, it may have been acknowledged in both subscriptions.
  const auto subscribed = subscribed_at_.find(delivery.first);
  const bool anew =
      subscribed == subscribed_at_.end() || subscribed->second > EventId{id}.number().value;
  if (!anew && IsSince(acked_at_, delivery, id)) {
    Violate("replayed", InWords(id, delivery) + " was acknowledged since");
  }
  if (WasDismissedSince(delivery, id)) {
    Violate("replayed", InWords(id, delivery) + " was dismissed since");
  }
  const auto subscription = record_.subscriptions().find(delivery.first);
  if (subscription != record_.subscriptions().end() &&
      !subscription->second.settled.contains(delivery.second)) {
    Violate("replayed", InWords(id, delivery) + " is owed");
  }
  CheckNotStopped(id, replay, delivery);
  return id;
}

// Paused and resumed within the time that an acknowledgement takes to be on record, what was in
// flight may be handed over once more.
bool ReplayRules::WasResumedBefore(std::uint64_t id, const Delivery& delivery) {
  const auto resumed = resumed_at_.find(id);
  const auto ended = ended_at_.find({id, delivery});
  if (resumed == resumed_at_.end() || ended == ended_at_.end()) return false;
  return resumed->second <= std::exchange(ended->second, 0);
}

void ReplayRules::CheckNotStopped(std::uint64_t id, const Replay& replay,
                                  const Delivery& delivery) {
  if (!replay.paused && !replay.cancelled) return;
  const auto by = stopped_by_.find(id);
  const auto at = stopped_.find({id, delivery.first.first});
  if (by == stopped_by_.end() || at == stopped_.end() || at->second != by->second) return;
  Violate("replayed",
          InWords(id, delivery) + ", though it was " + (replay.cancelled ? "cancelled" : "paused"));
}

void ReplayRules::Stopped(std::uint64_t replay, const std::string& client, EventId control) {
  stopped_[{replay, client}] = control;
}

void ReplayRules::CheckConfirmed(std::uint64_t replay, const Delivery& delivery) {
  const Replay& on_record = record_.replays().at(replay);
  if (on_record.ended_at_ms != 0 || !on_record.IsLeft(delivery)) return;
  Violate("confirmed", InWords(replay, delivery) + " is left of it on record");
}

std::vector<std::uint64_t> ReplayRules::Going() const {
  std::vector<std::uint64_t> going;
  for (const auto& [id, replay] : record_.replays()) {
    if (replay.ended_at_ms == 0) going.push_back(id);
  }
  return going;
}

}  // namespace ackwire
