// What is put on record, compared with what clients said and sessions sent.
#include <algorithm>

#include "ackwire/v1/deliveries.pb.h"
#include "outbox/retry_schedule.h"
#include "store/proto_time.h"
#include "tests/simulation/delivery_rules.h"
#include "tests/simulation/in_words.h"

namespace ackwire {

void DeliveryRules::Committed(const CommittedGroup& group) {
  LastBefore last_before;
  for (const auto& [id, channel] : record_.channels()) last_before[id] = channel.messages.size();
  for (const StoredMessage& stored : group.messages) record_.ApplyMessage(stored);
  if (group.number.value != 0) Record(group.record, &last_before);
}

void DeliveryRules::Started(const SurvivingLog& log, std::size_t messages_seen,
                            std::size_t records_seen) {
  for (std::size_t i = messages_seen; i < log.messages.size(); ++i) {
    record_.ApplyMessage(log.messages[i]);
  }
  for (std::size_t i = records_seen; i < log.records.size(); ++i) Record(log.records[i], nullptr);
  // What was acknowledged and is not on record comes again; sessions are over.
  for (auto& [key, owed] : owed_) {
    const NaiveLedger::Subscription& on_record = record_.subscriptions().at(key);
    owed.attempts.clear();
    for (const auto& [seq, retry] : on_record.retries) owed.attempts[seq] = retry.attempts;
    std::erase_if(owed.acked, [&](std::uint64_t seq) { return !on_record.settled.contains(seq); });
    owed.rejected.clear();
    owed.perhaps_acked.clear();
  }
  sessions_.clear();
  connections_.clear();
  controls_.BeginLife();
  replays_.BeginLife();
}

void DeliveryRules::Record(const store::JournalRecord& record, const LastBefore* last_before) {
  const JournalNumber number{++records_};
  for (int i = 0; i < record.events_size(); ++i) {
    const store::Event& event = record.events(i);
    const EventId id = EventId::Of(number, static_cast<std::uint64_t>(i));
    CheckEvent(event, id, last_before);
    record_.ApplyEvent(id.value, event);
  }
  replays_.EndRecord(record);
  for (const store::Event& event : record.events()) {
    if (event.has_failed()) CheckRecalledAndParked(event);
  }
}

void DeliveryRules::CheckEvent(const store::Event& event, EventId id,
                               const LastBefore* last_before) {
  controls_.CheckEvent(event);
  replays_.CheckEvent(event, id);
  if (event.has_subscribed()) CheckSubscribed(event, id, last_before);
  if (event.has_unsubscribed()) CheckUnsubscribed(event, last_before);
  if (event.has_acked()) CheckAcked(event);
  if (event.has_failed()) CheckFailed(event);
  if (event.has_parked()) CheckParked(event);
  if (event.has_abandoned()) CheckAbandoned(event);
  if (event.has_session_closed()) CheckClosed(event);
}

void DeliveryRules::CheckSubscribed(const store::Event& event, EventId id,
                                    const LastBefore* last_before) {
  const store::Subscribed& subscribed = event.subscribed();
  const Key key{event.client(), subscribed.channel()};
  if (record_.subscriptions().contains(key)) Violate("subscribed", key.first + " is already");
  const auto channel = record_.channels().find(key.second);
  const std::uint64_t after =
      channel == record_.channels().end() ? 0 : channel->second.messages.size();
  std::uint64_t before = 0;
  if (last_before != nullptr && last_before->contains(key.second)) {
    before = last_before->at(key.second);
  }
  // The start was fixed somewhere in the commit.
  const auto fits = [&](const StartAt& start) {
    const std::uint64_t found = subscribed.start();
    if (start.kind == StartAt::Kind::kFirst) return found == 1;
    if (start.kind == StartAt::Kind::kNew) return found >= before + 1 && found <= after + 1;
    return found >= std::min(start.seq.value, before + 1) &&
           found <= std::min(start.seq.value, after + 1);
  };
  const auto& asked = starts_asked_[{key.first, subscribed.channel_name()}];
  if (std::none_of(asked.begin(), asked.end(), fits)) {
    Violate("start", Text(subscribed.start()) + " of " + key.first + " in " +
                         subscribed.channel_name() + ", which had " + Text(before) + " to " +
                         Text(after) + " messages, was not asked for");
  }
  owed_[key] = Owed{.since = id.value};
}

void DeliveryRules::CheckUnsubscribed(const store::Event& event, const LastBefore* last_before) {
  const Key key{event.client(), event.unsubscribed().channel()};
  findings_.Event("unsubscribed");
  const auto channel = record_.channels().find(key.second);
  if (!record_.subscriptions().contains(key) || channel == record_.channels().end()) {
    return Violate("unsubscribed", key.first + " was not subscribed to " + Text(key.second));
  }
  const Name name{key.first, channel->second.name};
  auto& ends = ends_[name];
  const std::uint64_t most = event.unsubscribed().undelivered();
  const std::uint64_t after = channel->second.messages.size();
  std::uint64_t before = 0;
  if (last_before != nullptr && last_before->contains(key.second)) {
    before = last_before->at(key.second);
  }
  ends.push_back({most - std::min(most, after - before), most});
  if (ends.size() > ends_asked_[name]) Violate("unsubscribed", key.first + " did not ask for it");
  const std::size_t undelivered = record_.Undelivered(key).size();
  if (most != undelivered) {
    Violate("abandoned", Text(most) + " and not " + Text(undelivered) + " with the end of " +
                             key.first + " in " + name.second);
  }
  owed_.erase(key);
}

DeliveryRules::Sending* DeliveryRules::FindSending(const store::Event& event,
                                                   const Attempt& attempt) {
  const auto session = sessions_.find(event.session());
  if (session == sessions_.end()) return nullptr;
  auto& sendings = session->second.sendings;
  const auto found = std::find_if(sendings.rbegin(), sendings.rend(), [&](const Sending& each) {
    return each.key == attempt.key && each.seq == attempt.seq && each.attempt == attempt.number &&
           each.replay == attempt.replay && ToUnixMs(each.sent_at) == attempt.sent_at_ms &&
           IsOwed(each);
  });
  return found == sendings.rend() ? nullptr : &*found;
}

void DeliveryRules::CheckAcked(const store::Event& event) {
  for (const auto& part : event.acked().channels()) {
    const Key key{event.client(), part.channel()};
    const auto owed = owed_.find(key);
    if (owed == owed_.end()) {
      Violate("acked", key.first + " is not subscribed to " + Text(key.second));
      continue;
    }
    const auto check = [&](std::uint64_t seq) {
      if (!owed->second.acked.contains(seq) && !owed->second.perhaps_acked.contains(seq)) {
        Violate("acked", InWords(key, seq) + " was not acknowledged");
      }
    };
    for (const auto& run : part.runs()) {
      for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
        check(seq);
        if (record_.subscriptions().at(key).settled.contains(seq)) {
          Violate("acked", InWords(key, seq) + " is settled already");
        }
        Sending* sending = FindSending(event, {key, seq, run.attempt(), 0, run.sent_at_ms()});
        if (sending != nullptr) sending->ended = true;
      }
    }
    for (const auto& run : part.replayed()) {
      for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
        findings_.Event("acked by a replay, and never before");
        check(seq);
        Sending* sending =
            FindSending(event, {key, seq, run.attempt(), part.replay(), run.sent_at_ms()});
        if (sending != nullptr) sending->ended = true;
      }
    }
    for (const std::uint64_t seq : part.unparked()) {
      findings_.Event("acked when parked");
      check(seq);
      if (!record_.subscriptions().at(key).parked.contains(seq)) {
        Violate("acked", InWords(key, seq) + " is not parked");
      }
    }
  }
}

void DeliveryRules::CheckFailed(const store::Event& event) {
  for (const auto& part : event.failed().channels()) {
    for (const auto& run : part.runs()) {
      for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
        CheckAttempt(event, part, run, seq);
      }
    }
  }
}

void DeliveryRules::CheckAttempt(const store::Event& event, const store::FailedChannel& part,
                                 const store::SentRun& run, std::uint64_t seq) {
  const Key key{event.client(), part.channel()};
  Sending* sending = FindSending(event, {key, seq, run.attempt(), part.replay(), run.sent_at_ms()});
  if (sending == nullptr || sending->ended || !owed_.contains(key)) {
    return Violate("failed", InWords(key, seq) + ", attempt " + Text(run.attempt()) +
                                 ": was not sent, or has ended");
  }
  sending->ended = true;
  const int reason = event.failed().reason();
  const bool nack = reason == v1::REASON_NACK || reason == v1::REASON_REJECTED;
  const bool timeout = reason == v1::REASON_ACK_TIMEOUT;
  if (part.counted() != (nack || timeout)) Violate("counted", InWords(key, seq));
  if (nack && !sending->nacked) Violate("nack", InWords(key, seq) + " was not nacked");
  if (timeout) findings_.Event("attempts timed out");
  if (timeout && (!sending->deadline || event.at_ms() < ToUnixMs(*sending->deadline))) {
    Violate("timeout", InWords(key, seq) + " was not late");
  }
  if (reason == v1::REASON_RECALLED) findings_.Event("attempts recalled");
  if (reason == v1::REASON_RECALLED && part.replay() != 0) {
    Violate("recall", InWords(key, seq) + " is a replay's");
  }
  if (reason == v1::REASON_DISCONNECTED) findings_.Event("attempts ended by a disconnection");
  if (part.replay() != 0) findings_.Event("attempts of replays that failed");
  if (!part.counted()) return;
  // A replay's are counted by its session, and the first wait is the shortest.
  const auto& retries = record_.subscriptions().at(key).retries;
  const auto retry = retries.find(seq);
  const std::size_t failures = retry == retries.end() ? 0 : retry->second.counted;
  const auto& backoff = policy_.retry.backoff;
  const auto wait = static_cast<double>(backoff[std::min(failures, backoff.size() - 1)].count());
  auto least = static_cast<std::int64_t>(wait * (1 - RetrySchedule::kJitter));
  if (nack) least = std::max<std::int64_t>(least, std::stoll(event.failed().detail()));
  if (part.due_at_ms() < event.at_ms() + least) {
    Violate("backoff", InWords(key, seq) + " is due after " +
                           std::to_string(part.due_at_ms() - event.at_ms()) + " ms, not " +
                           std::to_string(least));
  }
}

// Of one `failed` event, once its whole record is known.
void DeliveryRules::CheckRecalledAndParked(const store::Event& event) {
  for (const auto& part : event.failed().channels()) {
    const Key key{event.client(), part.channel()};
    const auto on_record = record_.subscriptions().find(key);
    if (!part.counted() || part.replay() != 0 || on_record == record_.subscriptions().end()) {
      continue;
    }
    for (const auto& run : part.runs()) {
      const auto retry = on_record->second.retries.find(run.first());
      if (retry != on_record->second.retries.end() &&
          retry->second.counted >= policy_.retry.max_attempts) {
        Violate("parked", InWords(key, run.first()) + " is out of attempts and not parked");
      }
      const auto session = sessions_.find(event.session());
      if (policy_.ordering == Ordering::kUnordered || session == sessions_.end()) continue;
      for (const Sending& each : session->second.sendings) {
        if (each.key == key && each.seq > run.first() && each.replay == 0 && !each.ended &&
            IsOwed(each) && ToUnixMs(each.sent_at) < event.at_ms() && !MayBeAcked(each) &&
            !on_record->second.settled.contains(each.seq)) {
          Violate("recall", InWords(key, each.seq) + " is in flight behind " + Text(run.first()) +
                                ", which failed");
        }
      }
    }
  }
}

void DeliveryRules::CheckParked(const store::Event& event) {
  const store::Parked& parked = event.parked();
  const Key key{event.client(), parked.channel()};
  const auto owed = owed_.find(key);
  if (owed == owed_.end()) return Violate("parked", key.first + " is not subscribed");
  const auto& on_record = record_.subscriptions().at(key);
  if (on_record.settled.contains(parked.seq())) {
    Violate("parked", InWords(key, parked.seq()) + " is settled already");
  }
  const auto retry = on_record.retries.find(parked.seq());
  const std::size_t failures = retry == on_record.retries.end() ? 0 : retry->second.counted;
  if (parked.reason() == v1::REASON_REJECTED) {
    findings_.Event("parked: rejected");
    if (!owed->second.rejected.contains(parked.seq())) {
      Violate("parked", InWords(key, parked.seq()) + " was not rejected");
    }
  } else if (failures >= policy_.retry.max_attempts) {
    findings_.Event("parked: max attempts");
  } else {
    findings_.Event("parked: disconnections");
    const auto client = record_.clients().find(key.first);
    const std::uint32_t before = client == record_.clients().end() ? 0 : client->second.disconnects;
    if (parked.reason() != v1::REASON_MAX_ATTEMPTS || before + 1 < policy_.max_disconnects) {
      Violate("parked", InWords(key, parked.seq()) + " after " + Text(failures) + " failures and " +
                            Text(before) + " disconnections");
    }
  }
}

void DeliveryRules::CheckAbandoned(const store::Event& event) {
  const store::Abandoned& abandoned = event.abandoned();
  const Key key{event.client(), abandoned.channel()};
  const auto channel = record_.channels().find(key.second);
  for (const auto& run : abandoned.runs()) {
    const bool there = channel != record_.channels().end() && run.first() > 0 &&
                       run.first() <= run.last() && run.last() <= channel->second.messages.size();
    if (!there || abandoned.reason() != v1::REASON_EXPIRED) {
      Violate("abandoned", InWords(key, run.first()));
      continue;
    }
    for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
      findings_.Event("messages expired");
      const v1::Message& message = channel->second.messages[seq - 1];
      const bool has_expired =
          message.has_expires_at() && ToUnixMs(TimeOf(message.expires_at())) <= event.at_ms();
      if (!has_expired) Violate("abandoned", InWords(key, seq) + " has not expired");
    }
  }
}

void DeliveryRules::CheckClosed(const store::Event& event) {
  constexpr std::uint32_t kDisconnected = 4004;
  const auto client = record_.clients().find(event.client());
  const std::uint32_t before = client == record_.clients().end() ? 0 : client->second.disconnects;
  const store::SessionClosed& closing = event.session_closed();
  if (closing.close_code() == kDisconnected && closing.disconnects() > before) {
    Violate("disconnects", event.client() + ": an operator's counts");
  }
  const auto session = sessions_.find(event.session());
  if (session != sessions_.end()) session->second.closed = true;
}

}  // namespace ackwire
