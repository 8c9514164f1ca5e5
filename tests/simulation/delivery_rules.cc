#include "tests/simulation/delivery_rules.h"

#include <algorithm>

#include "store/proto_time.h"
#include "tests/simulation/in_words.h"

namespace ackwire {

namespace json = boost::json;

namespace {

// A session remembers so many numbers of one delivery (delivery/ack_window.h).
constexpr std::size_t kNumbersRemembered = 16;

}  // namespace

void DeliveryRules::AsksSubscription(const std::string& client, const std::string& channel,
                                     const StartAt& start) {
  starts_asked_[{client, channel}].push_back(start);
}

void DeliveryRules::AsksEnd(const std::string& client, const std::string& channel) {
  ++ends_asked_[{client, channel}];
}

std::uint64_t DeliveryRules::ChannelOf(const std::string& name) const {
  for (const auto& [id, channel] : record_.channels()) {
    if (channel.name == name) return id;
  }
  return 0;
}

std::uint64_t DeliveryRules::FloorOf(const Key& key) const {
  const NaiveLedger::Subscription& subscription = record_.subscriptions().at(key);
  std::uint64_t floor = subscription.start - 1;
  while (subscription.settled.contains(floor + 1)) ++floor;
  return floor;
}

bool DeliveryRules::IsOwed(const Sending& sending) const {
  const auto owed = owed_.find(sending.key);
  return owed != owed_.end() && owed->second.since == sending.since;
}

bool DeliveryRules::HasExpired(const Key& key, std::uint64_t seq) const {
  const v1::Message& message = record_.channels().at(key.second).messages[seq - 1];
  return message.has_expires_at() && TimeOf(message.expires_at()) <= clock_.Now();
}

bool DeliveryRules::IsAcked(const Sending& sending) const {
  if (sending.replay != 0) return sending.acked;
  return IsOwed(sending) && owed_.at(sending.key).acked.contains(sending.seq);
}

// What is perhaps acknowledged may be settled for the session, whatever else it knows of it.
bool DeliveryRules::MayBeAcked(const Sending& sending) const {
  return IsAcked(sending) ||
         (IsOwed(sending) && owed_.at(sending.key).perhaps_acked.contains(sending.seq));
}

DeliveryRules::Session* DeliveryRules::SessionOf(const Connection& connection) {
  const auto found = sessions_.find(connection.session);
  return found == sessions_.end() ? nullptr : &found->second;
}

bool DeliveryRules::IsForgotten(const Session& session, std::uint64_t number) {
  const Sending& sending = session.sendings[number - 1];
  std::size_t newer = 0;
  for (std::size_t i = number; i < session.sendings.size(); ++i) {
    const Sending& other = session.sendings[i];
    if (other.key == sending.key && other.seq == sending.seq) ++newer;
  }
  return newer >= kNumbersRemembered;
}

void DeliveryRules::Hears(ConnectionId id, const Said& said, bool open) {
  Connection& connection = connections_[id];
  for (const Said::Subscription& each : said.subscriptions) {
    const std::string& client = said.client.empty() ? connection.client : said.client;
    AsksSubscription(client, each.channel, each.start);
  }
  if (said.kind == Said::Kind::kConnect) {
    connection.client = said.client;
    connection.connect = said;
    connection.window = said.window;
    connection.records_at_connect = records_;
  }
  if (said.kind == Said::Kind::kUnsubscribe) {
    AsksEnd(connection.client, said.channel);
    connection.ending[said.id] = {said.channel, records_};
  }
  Session* session = SessionOf(connection);
  if (!open || session == nullptr) return;
  if (said.kind == Said::Kind::kAck) return HearAck(connection, *session, said);
  for (const std::uint64_t number : said.deliveries) {
    if (number > session->sendings.size()) {
      ++connection.unknown;
    } else if (said.kind == Said::Kind::kWorking) {
      findings_.Event("working");
      // One that is late already may have been failed.
      auto& deadline = session->sendings[number - 1].deadline;
      if (!deadline || *deadline > clock_.Now()) deadline = clock_.Now() + policy_.ack_wait;
    }
  }
  if (said.kind == Said::Kind::kNack) HearNack(*session, said);
}

void DeliveryRules::Sends(ConnectionId id, const json::object& frame) {
  Connection& connection = connections_[id];
  const std::string type = TextOf(frame.at("type"));
  if (type == "welcome") return SendsWelcome(connection, frame);
  if (type == "error") return SendsError(connection, frame);
  if (type == "ping") return;
  if (type == "subscribed") {
    if (NumberOf(frame.at("id")) == 0) findings_.Event("told of a subscription made elsewhere");
    return CheckSubscription(connection.client, frame);
  }
  if (type == "unsubscribed") {
    return CheckEnded(connection.client, TextOf(frame.at("channel")),
                      NumberOf(frame.at("abandoned")));
  }
  if (type == "confirmed") return SendsConfirmed(connection, frame);
  Session* session = SessionOf(connection);
  if (type != "deliveries" || session == nullptr) return Violate("frame", type + " out of place");
  for (const json::value& item : frame.at("items").as_array()) {
    SendsDelivery(connection, *session, item.as_object());
  }
}

void DeliveryRules::SendsDelivery(Connection& connection, Session& session,
                                  const json::object& item) {
  const json::object& message = item.at("message").as_object();
  const Key key{connection.client, ChannelOf(TextOf(message.at("channel")))};
  const std::uint64_t seq = NumberOf(message.at("seq"));
  const auto attempt = static_cast<std::uint32_t>(NumberOf(item.at("attempt")));
  findings_.Event(attempt == 1 ? "deliveries" : "redeliveries");
  if (NumberOf(item.at("delivery")) != session.sendings.size() + 1) {
    Violate("number",
            json::serialize(item.at("delivery")) + " after " + Text(session.sendings.size()));
  }
  controls_.CheckMaySend(connection.client);
  if (!CheckMessage(key, seq, message)) return;
  const auto owed = owed_.find(key);
  if (owed == owed_.end()) return Violate("not owed", InWords(key, seq) + ": not subscribed");
  if (const std::string replay = TextOf(item.at("replay")); !replay.empty()) {
    CheckNotInFlight(session, key, seq);
    session.sendings.push_back({.key = key,
                                .since = owed->second.since,
                                .seq = seq,
                                .attempt = attempt,
                                .replay = replays_.CheckSends(replay, {key, seq}),
                                .sent_at = clock_.Now()});
    return CheckWindow(connection, session);
  }
  CheckMaySend(key, seq, owed->second);
  CheckOrder(key, seq, owed->second);
  CheckNotInFlight(session, key, seq);
  const std::uint32_t expected = ++owed->second.attempts[seq];
  if (attempt != expected) {
    Violate("attempt", Text(attempt) + " and not " + Text(expected) + " of " + InWords(key, seq));
  }
  session.sendings.push_back({.key = key,
                              .since = owed->second.since,
                              .seq = seq,
                              .attempt = attempt,
                              .sent_at = clock_.Now()});
  CheckWindow(connection, session);
}

bool DeliveryRules::CheckMessage(const Key& key, std::uint64_t seq, const json::object& message) {
  const auto channel = record_.channels().find(key.second);
  if (channel == record_.channels().end() || seq == 0 || seq > channel->second.messages.size()) {
    Violate("phantom", InWords(key, seq) + " is not committed");
    return false;
  }
  const v1::Message& stored = channel->second.messages[seq - 1];
  const bool same = TextOf(message.at("messageId")) == stored.message_id() &&
                    NumberOf(message.at("position")) == stored.position() &&
                    TextOf(message.at("payload")) == stored.payload();
  if (!same) Violate("altered", InWords(key, seq) + ": " + json::serialize(message));
  if (HasExpired(key, seq)) {
    Violate("expired", InWords(key, seq));
  }
  return true;
}

void DeliveryRules::CheckMaySend(const Key& key, std::uint64_t seq, const Owed& owed) {
  const NaiveLedger::Subscription& on_record = record_.subscriptions().at(key);
  if (seq < on_record.start) Violate("not owed", InWords(key, seq) + ": before the start");
  if (on_record.settled.contains(seq)) Violate("repeated", InWords(key, seq) + ": it is settled");
  if (owed.acked.contains(seq)) Violate("repeated", InWords(key, seq) + ": it is acknowledged");
  const auto retry = on_record.retries.find(seq);
  if (retry != on_record.retries.end() && retry->second.due_at_ms > ToUnixMs(clock_.Now())) {
    Violate("early", InWords(key, seq) + " is not due yet");
  }
}

void DeliveryRules::CheckOrder(const Key& key, std::uint64_t seq, Owed& owed) {
  // One that had expired by the clock of an earlier life may not have, by the clock of this one.
  const bool expires = record_.channels().at(key.second).messages[seq - 1].has_expires_at();
  if (owed.sent.insert(seq).second && seq != *owed.sent.rbegin() && !expires) {
    Violate("reordered",
            InWords(key, seq) + " comes for the first time after " + Text(*owed.sent.rbegin()));
  }
  if (policy_.ordering == Ordering::kUnordered) return;
  for (const auto& [failed, retry] : record_.subscriptions().at(key).retries) {
    if (failed >= seq || retry.counted == 0 || owed.acked.contains(failed)) continue;
    if (MayBeParked(key, failed, owed)) continue;
    // Nothing else lets a later one pass: the session took it for acknowledged, and may not change
    // its mind.
    if (owed.perhaps_acked.erase(failed) != 0) {
      owed.acked.insert(failed);
      continue;
    }
    Violate("held up", InWords(key, seq) + " comes before " + Text(failed) + ", which failed");
  }
}

// The session may know more than the record: each attempt since may have failed. Whether it parked
// with reason is seen when that goes on record.
bool DeliveryRules::MayBeParked(const Key& key, std::uint64_t seq, const Owed& owed) const {
  const NaiveLedger::Retry& retry = record_.subscriptions().at(key).retries.at(seq);
  const auto attempts = owed.attempts.find(seq);
  const bool sent_since = attempts != owed.attempts.end() && attempts->second > retry.attempts;
  const std::uint32_t since = sent_since ? attempts->second - retry.attempts : 0;
  return owed.rejected.contains(seq) || HasExpired(key, seq) ||
         (sent_since && retry.counted + since >= policy_.retry.max_attempts);
}

bool DeliveryRules::SomeOverdue(const Session& session, const Key& key, std::uint64_t up_to) const {
  return std::any_of(session.sendings.begin() + static_cast<std::ptrdiff_t>(session.first),
                     session.sendings.end(), [&](const Sending& each) {
                       return each.key == key && each.seq <= up_to && !each.ended &&
                              each.deadline && *each.deadline <= clock_.Now();
                     });
}

void DeliveryRules::CheckNotInFlight(const Session& session, const Key& key, std::uint64_t seq) {
  for (std::size_t i = session.sendings.size(); i > session.first; --i) {
    const Sending& each = session.sendings[i - 1];
    if (each.key != key || each.seq != seq || !IsOwed(each)) continue;
    if (each.dropped || each.perhaps || each.ended || each.acked) return;
    if (controls_.MayBeDismissed(key, seq)) return;
    const std::uint64_t up_to = policy_.ordering == Ordering::kOrdered ? seq : 0;
    const bool late = each.deadline && *each.deadline <= clock_.Now();
    if (late || SomeOverdue(session, key, up_to)) return;
    return Violate("sent twice", InWords(key, seq) + " is in flight as number " + Text(i));
  }
}

bool DeliveryRules::MayHaveEnded(const Key& key) const {
  const Name name{key.first, record_.channels().at(key.second).name};
  const auto asked = ends_asked_.find(name);
  const auto ended = ends_.find(name);
  return asked != ends_asked_.end() &&
         asked->second > (ended == ends_.end() ? 0 : ended->second.size());
}

// Counts only what is in flight whatever the session may have decided meanwhile.
void DeliveryRules::CheckWindow(const Connection& connection, const Session& session) {
  std::uint64_t in_flight = 0;
  std::uint64_t replayed = 0;
  for (std::size_t i = session.first; i < session.sendings.size(); ++i) {
    const Sending& each = session.sendings[i];
    if (each.dropped || each.perhaps || each.ended) continue;
    if (!IsOwed(each) || MayBeAcked(each)) continue;
    if (MayHaveEnded(each.key)) continue;
    constexpr std::uint64_t kAny = ~0ULL;
    if (SomeOverdue(session, each.key, kAny)) continue;
    if (controls_.MayBeDismissed(each.key, each.seq)) continue;
    ++in_flight;
    if (each.replay != 0) ++replayed;
  }
  if (replayed > std::max<std::uint64_t>(connection.window / 2, 1)) {
    Violate("window", Text(replayed) + " of replays are in flight for " + connection.client);
  }
  if (in_flight <= connection.window) return;
  Violate("window", Text(in_flight) + " are in flight for " + connection.client +
                        ", whose window is " + Text(connection.window));
}

void DeliveryRules::Written(ConnectionId id, const std::vector<std::uint64_t>& deliveries) {
  Session* session = SessionOf(connections_[id]);
  if (session == nullptr) return;
  for (const std::uint64_t number : deliveries) {
    if (number > session->sendings.size()) continue;
    session->sendings[number - 1].deadline = clock_.Now() + policy_.ack_wait;
  }
}

DeliveryRules::Acked DeliveryRules::AckedOf(const std::string& client) const {
  Acked acked;
  for (const auto& [key, owed] : owed_) {
    if (key.first == client) acked[key] = {owed.since, owed.acked};
  }
  return acked;
}

void DeliveryRules::CheckOnRecord(const Acked& acked) {
  for (const auto& [key, of_one] : acked) {
    const auto found = record_.subscriptions().find(key);
    if (found == record_.subscriptions().end() || owed_.at(key).since != of_one.since) continue;
    for (const std::uint64_t seq : of_one.seqs) {
      if (seq < found->second.start || found->second.settled.contains(seq)) continue;
      Violate("explain", InWords(key, seq) + " is acknowledged, and not on record");
    }
  }
}

std::uint64_t DeliveryRules::undelivered() const {
  std::uint64_t total = 0;
  for (const auto& [key, subscription] : record_.subscriptions()) {
    total += record_.Undelivered(key).size();
  }
  return total;
}

}  // namespace ackwire
