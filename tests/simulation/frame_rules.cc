// What a session says of itself and of subscriptions, compared with what is on record.
#include <algorithm>

#include "tests/simulation/delivery_rules.h"
#include "tests/simulation/in_words.h"

namespace ackwire {

namespace json = boost::json;

void DeliveryRules::SendsWelcome(Connection& connection, const json::object& frame) {
  findings_.Event("sessions opened");
  const std::string id = TextOf(frame.at("session"));
  for (const auto& [other, session] : sessions_) {
    if (session.client == connection.client && !session.closed) {
      Violate("two sessions",
              id + " has " + connection.client + ", and the end of " + other + " is not on record");
    }
  }
  const bool resumed = frame.at("resumed").as_bool();
  const bool known = sessions_.contains(id);
  if (resumed ? id != connection.connect.resume_session || !known : known) {
    Violate("resume", id + (resumed ? " was not to be resumed" : " is not new"));
  }
  connection.session = id;
  Session& session = sessions_[id];
  session.client = connection.client;
  session.closed = false;
  CheckListed(connection, frame);
  if (resumed) SendsResumed(connection, session);
  if (!connection.connect.resume_session.empty()) {
    findings_.Event(resumed ? "sessions resumed" : "sessions not resumed");
  }
  session.first = session.sendings.size();
}

void DeliveryRules::SendsResumed(Connection& connection, Session& session) {
  const std::uint64_t completed = connection.connect.resume_delivery;
  if (completed > session.sendings.size()) {
    return Violate("resume", "from " + Text(completed) + ", which was never sent");
  }
  for (std::uint64_t number = 1; number <= session.sendings.size(); ++number) {
    Sending& sending = session.sendings[number - 1];
    if (number <= completed) AckCovered(session, number, nullptr);
    sending.dropped = true;
  }
}

// What is committed after the connect may be missing: the news of it follow.
void DeliveryRules::CheckListed(const Connection& connection, const json::object& frame) {
  std::set<std::string> listed;
  for (const json::value& item : frame.at("subscriptions").as_array()) {
    listed.insert(TextOf(item.at("channel")));
    CheckSubscription(connection.client, item.as_object());
    const Key key{connection.client, ChannelOf(TextOf(item.at("channel")))};
    const std::uint64_t floor = NumberOf(item.at("floor"));
    if (!record_.subscriptions().contains(key)) continue;
    const bool resumed = frame.at("resumed").as_bool();
    if (floor < FloorOf(key) || (!resumed && floor > FloorOf(key))) {
      Violate("floor", Text(floor) + " in welcome, " + Text(FloorOf(key)) + " on record, of " +
                           key.first + " in " + Text(key.second));
    }
  }
  for (const auto& [key, subscription] : record_.subscriptions()) {
    if (key.first != connection.client) continue;
    const bool old = EventId{owed_.at(key).since}.number().value <= connection.records_at_connect;
    const std::string& name = record_.channels().at(key.second).name;
    const auto& own = connection.connect.subscriptions;
    const bool asked =
        std::any_of(own.begin(), own.end(), [&](const auto& each) { return each.channel == name; });
    if ((old || asked) && !listed.contains(name)) {
      Violate("welcome", name + " of " + key.first + " is not listed");
    }
  }
}

void DeliveryRules::CheckSubscription(const std::string& client, const json::object& item) {
  const std::string name = TextOf(item.at("channel"));
  const std::uint64_t channel = ChannelOf(name);
  const auto found = record_.subscriptions().find({client, channel});
  if (found == record_.subscriptions().end()) {
    return Violate("subscribed", client + " to " + name + " is not on record");
  }
  if (NumberOf(item.at("floor")) + 1 < found->second.start) {
    Violate("floor", "of " + client + " in " + name + " is before the start");
  }
  if (NumberOf(item.at("lastSeq")) > record_.channels().at(channel).messages.size()) {
    Violate("last seq", "of " + name + " is beyond what is committed");
  }
}

void DeliveryRules::CheckEnded(const std::string& client, const std::string& channel,
                               std::uint64_t abandoned) {
  const auto& ends = ends_[{client, channel}];
  const bool found = std::any_of(ends.begin(), ends.end(), [&](const Ending& ending) {
    return abandoned >= ending.least && abandoned <= ending.most;
  });
  if (found) return;
  Violate("unsubscribed",
          client + " from " + channel + ", abandoning " + Text(abandoned) + ", is not on record");
}

void DeliveryRules::CheckNone(const std::string& client, const std::string& channel,
                              std::uint64_t records) {
  findings_.Event("unsubscribed from nothing");
  --ends_asked_[{client, channel}];
  const auto owed = owed_.find({client, ChannelOf(channel)});
  if (owed == owed_.end() || EventId{owed->second.since}.number().value > records) return;
  Violate("unsubscribed",
          client + " from " + channel + ": told that there is none, and it is on record");
}

void DeliveryRules::SendsConfirmed(Connection& connection, const json::object& frame) {
  const auto id = static_cast<std::uint32_t>(NumberOf(frame.at("id")));
  const auto asked = connection.confirming.find(id);
  if (asked == connection.confirming.end()) {
    return Violate("confirmed", Text(id) + " was not asked for, or confirmed before");
  }
  findings_.Event("acks confirmed");
  for (const Sending& sending : asked->second) {
    if (!IsOwed(sending)) continue;
    if (sending.replay != 0) replays_.CheckConfirmed(sending.replay, {sending.key, sending.seq});
    const NaiveLedger::Subscription& on_record = record_.subscriptions().at(sending.key);
    if (!on_record.settled.contains(sending.seq) || on_record.parked.contains(sending.seq)) {
      Violate("confirmed", "seq " + Text(sending.seq) + " of " + sending.key.first +
                               " is not settled on record");
    }
  }
  connection.confirming.erase(asked);
}

void DeliveryRules::SendsError(Connection& connection, const json::object& frame) {
  const std::string code = TextOf(frame.at("code"));
  if (code == "unknown_delivery") {
    findings_.Event("unknown numbers refused");
    if (connection.unknown == 0) Violate("unknown_delivery", "was not asked for");
    if (connection.unknown > 0) --connection.unknown;
  } else if (code == "not_found") {
    const EndAsked& asked = connection.ending[static_cast<std::uint32_t>(NumberOf(frame.at("id")))];
    CheckNone(connection.client, asked.channel, asked.records);
  } else if (code != "unavailable") {
    Violate("error", json::serialize(frame));
  }
}

}  // namespace ackwire
