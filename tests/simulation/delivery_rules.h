// DeliveryRules is what the contract says of deliveries, as naively as it can be said. It sees what
// clients say, what sessions send, and what is put on record; it keeps all of it, and answers every
// question by looking at all of it.
//
// When a session sends:
// - the message is committed, unaltered, owed (subscribed, not before the start, not settled on
//   record), not acknowledged in this life, not expired, and due;
// - first deliveries of a channel come in order of seq; in an ordered channel nothing comes before
//   an earlier message that failed;
// - numbers are dense in a session, attempts of a delivery are; no more than a window is in flight;
// - `welcome`, `subscribed`, `unsubscribed` and `confirmed` say what is on record; one session at a
//   time has a client.
// When something goes on record:
// - it was asked for: subscriptions and their exact start, ends, acknowledgements by contract;
// - an attempt ends once, for a reason that there was; what is behind a failed one is recalled,
//   what is out of attempts is parked.
//
// Threads: one owner.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "delivery/policy.h"
#include "store/clock.h"
#include "tests/faults/naive_ledger.h"
#include "tests/simulation/control_rules.h"
#include "tests/simulation/delivery_model.h"
#include "tests/simulation/findings.h"
#include "tests/simulation/replay_rules.h"
#include "tests/simulation/said.h"

namespace ackwire {

class DeliveryRules {
 public:
  using Key = NaiveLedger::SubscriptionKey;  // client, channel
  DeliveryRules(const Clock& clock, const DeliveryPolicy& policy, Findings& findings)
      : clock_(clock), policy_(policy), findings_(findings) {}

  // Somebody is about to ask the server for it.
  void AsksSubscription(const std::string& client, const std::string& channel,
                        const StartAt& start);
  void AsksEnd(const std::string& client, const std::string& channel);

  // A session hears this, when its frames count already (`open`) or do not yet.
  void Hears(ConnectionId connection, const Said& said, bool open);
  // A session sends this; the kernel has taken these deliveries; it has ended.
  void Sends(ConnectionId connection, const boost::json::object& frame);
  void Written(ConnectionId connection, const std::vector<std::uint64_t>& deliveries);
  void Ended(ConnectionId connection) { connections_.erase(connection); }

  void Committed(const CommittedGroup& group);
  // What a start found: the record now, and what of it is new since the last commit seen.
  void Started(const SurvivingLog& log, std::size_t messages_seen, std::size_t records_seen);

  // An end that was asked for when so many records were there is answered: it abandoned so many,
  // or there was no subscription.
  void CheckEnded(const std::string& client, const std::string& channel, std::uint64_t abandoned);
  void CheckNone(const std::string& client, const std::string& channel, std::uint64_t records);

  // Whatever the client has acknowledged by now, for a look at it later: then it is on record.
  struct AckedOfOne {
    std::uint64_t since = 0;  // the subscription
    std::set<std::uint64_t> seqs;
  };
  using Acked = std::map<Key, AckedOfOne>;
  [[nodiscard]] Acked AckedOf(const std::string& client) const;
  void CheckOnRecord(const Acked& acked);

  // What operators do to clients.
  [[nodiscard]] ControlRules& controls() { return controls_; }
  [[nodiscard]] const ControlRules& controls() const { return controls_; }
  [[nodiscard]] ReplayRules& replays() { return replays_; }
  [[nodiscard]] const ReplayRules& replays() const { return replays_; }
  [[nodiscard]] const NaiveLedger& record() const { return record_; }
  // Whether the session's end is on record.
  [[nodiscard]] bool HasClosed(const std::string& session) const {
    return sessions_.at(session).closed;
  }
  [[nodiscard]] std::uint64_t records() const { return records_; }
  // Owed and not settled on record, over all subscriptions.
  [[nodiscard]] std::uint64_t undelivered() const;

 private:
  using Owed = OwedModel;
  using Sending = SendingModel;
  using Session = SessionModel;
  using Ending = EndingModel;
  using EndAsked = EndAskedModel;
  using Connection = ConnectionModel;
  using Name = std::pair<std::string, std::string>;  // client, channel

  void Violate(const std::string& rule, const std::string& what) { findings_.Violate(rule, what); }
  [[nodiscard]] std::uint64_t ChannelOf(const std::string& name) const;
  [[nodiscard]] std::uint64_t FloorOf(const Key& key) const;
  [[nodiscard]] bool IsOwed(const Sending& sending) const;
  [[nodiscard]] bool HasExpired(const Key& key, std::uint64_t seq) const;
  [[nodiscard]] bool IsAcked(const Sending& sending) const;
  [[nodiscard]] bool MayBeAcked(const Sending& sending) const;
  [[nodiscard]] Session* SessionOf(const Connection& connection);
  // A number so old that the session may have forgotten it.
  [[nodiscard]] static bool IsForgotten(const Session& session, std::uint64_t number);

  // answer_rules.cc
  void HearAck(Connection& connection, Session& session, const Said& said);
  void Ack(Session& session, std::uint64_t number, std::vector<Sending>* confirming);
  void AckCovered(Session& session, std::uint64_t number, std::vector<Sending>* confirming);
  void HearNack(Session& session, const Said& said);
  void DropNacked(Session& session, const Sending& nacked, bool sure);

  // frame_rules.cc
  void SendsWelcome(Connection& connection, const boost::json::object& frame);
  void SendsResumed(Connection& connection, Session& session);
  void CheckListed(const Connection& connection, const boost::json::object& frame);
  void CheckSubscription(const std::string& client, const boost::json::object& item);
  void SendsConfirmed(Connection& connection, const boost::json::object& frame);
  void SendsError(Connection& connection, const boost::json::object& frame);

  void SendsDelivery(Connection& connection, Session& session, const boost::json::object& item);
  [[nodiscard]] bool CheckMessage(const Key& key, std::uint64_t seq,
                                  const boost::json::object& message);
  void CheckMaySend(const Key& key, std::uint64_t seq, const Owed& owed);
  void CheckOrder(const Key& key, std::uint64_t seq, Owed& owed);
  [[nodiscard]] bool MayBeParked(const Key& key, std::uint64_t seq, const Owed& owed) const;
  void CheckNotInFlight(const Session& session, const Key& key, std::uint64_t seq);
  void CheckWindow(const Connection& connection, const Session& session);
  // Its end was asked for and is not on record yet.
  [[nodiscard]] bool MayHaveEnded(const Key& key) const;
  [[nodiscard]] bool SomeOverdue(const Session& session, const Key& key, std::uint64_t up_to) const;

  // journal_rules.cc
  // The last seqs before the commit, by channel; null when they are not known.
  using LastBefore = std::map<std::uint64_t, std::uint64_t>;
  void Record(const store::JournalRecord& record, const LastBefore* last_before);
  void CheckEvent(const store::Event& event, EventId id, const LastBefore* last_before);
  void CheckSubscribed(const store::Event& event, EventId id, const LastBefore* last_before);
  void CheckUnsubscribed(const store::Event& event, const LastBefore* last_before);
  void CheckAcked(const store::Event& event);
  void CheckFailed(const store::Event& event);
  void CheckAttempt(const store::Event& event, const store::FailedChannel& part,
                    const store::SentRun& run, std::uint64_t seq);
  void CheckParked(const store::Event& event);
  void CheckAbandoned(const store::Event& event);
  void CheckClosed(const store::Event& event);
  void CheckRecalledAndParked(const store::Event& event);
  struct Attempt {
    Key key;
    std::uint64_t seq = 0;
    std::uint32_t number = 0;
    std::uint64_t replay = 0;
    std::int64_t sent_at_ms = 0;
  };
  Sending* FindSending(const store::Event& event, const Attempt& attempt);

  const Clock& clock_;
  const DeliveryPolicy& policy_;
  Findings& findings_;
  NaiveLedger record_;
  std::uint64_t records_ = 0;  // folded into it
  ControlRules controls_{record_, findings_};
  ReplayRules replays_{record_, findings_};
  std::map<Key, Owed> owed_;
  std::map<std::string, Session> sessions_;  // of this life, by id
  std::map<ConnectionId, Connection> connections_;
  std::map<Name, std::vector<StartAt>> starts_asked_;
  std::map<Name, std::uint64_t> ends_asked_;
  std::map<Name, std::vector<Ending>> ends_;
};

}  // namespace ackwire
