// The past, through the store: what Explain says of real sessions' deliveries at a moment, and what
// the journal on disk says of that moment later.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "delivery/gather_past.h"
#include "delivery/past_delivery.h"
#include "store/proto_time.h"
#include "store/rng.h"
#include "tests/unit/session_fixture.h"

namespace ackwire {
namespace {

constexpr int kStepsOfSession = 150;
constexpr Duration kMinute{60'000};
const Strings kClients = {"alice", "alice/phone"};
const Strings kRooms = {"room/1", "room/2"};

struct Noted {
  Timestamp at;
  DeliveryQuestion question;
  v1::Delivery delivery;
};

class PastOfSessions : public SessionTest {
 protected:
  // In hours, which do not pass by themselves: the hub's timers follow the real time, and what they
  // did while a moment is being noted would be in one half of the note.
  PastOfSessions() {
    policies_.Replace(
        {{"*",
          {.ack_wait = 60 * kMinute, .retry = {.backoff = {20 * kMinute}, .max_attempts = 3}}}});
    session_policy_.ping_interval = session_policy_.ping_timeout = 100'000 * kMinute;
  }

  std::uint64_t Below(std::uint64_t bound) { return rng_.Next() % bound; }
  const std::string& Any(const Strings& names) { return names[Below(names.size())]; }

  void Step() {
    const std::string& client = Any(kClients);
    const std::string& room = Any(kRooms);
    TestConnection*& connection = connections_[client];
    clock_.Advance(Duration(1 + Below(600'000)));
    const std::uint64_t dice = Below(14);
    if (dice < 3) return Publish(room);
    if (dice == 3) return ChangeSubscription(client, room);
    if (connection == nullptr) {
      connection = &Connect(client, R"(,"window":3)");
      return;
    }
    connection->Written();
    const std::uint64_t last = connection->session->ledger().sent().last_number();
    const std::string number = std::to_string(1 + Below(last + 1));
    if (dice < 6) return connection->Say(R"({"type":"ack","upTo":)" + number + "}");
    if (dice < 8) return connection->Say(R"({"type":"ack","deliveries":[)" + number + "]}");
    if (dice < 10) {
      return connection->Say(R"({"type":"nack","deliveries":[)" + number +
                             R"(],"reason":"no","final":)" + (Below(4) == 0 ? "true}" : "false}"));
    }
    if (dice < 13) return Advance(*connection, Below(90) * kMinute);
    connection->session->End(1006);
    connection = nullptr;
  }

  void ChangeSubscription(const std::string& client, const std::string& room) {
    if (subscribed_.insert({client, room}).second) return Subscribe(client, room);
    subscribed_.erase({client, room});
    Unsubscribe(client, room);
  }

  // What whoever asks is told now.
  v1::Delivery Now(const DeliveryQuestion& question) {
    DeliveryFacts facts = GatherFacts(*store_, policies_, question, clock_.Now()).value();
    const TestConnection* connection = connections_[question.client];
    facts.online = connection != nullptr;
    if (facts.online) facts.live = connection->session->Live(facts.channel_id, facts.seq);
    return Explain(facts);
  }

  v1::Delivery Then(const DeliveryQuestion& question, Timestamp at) {
    PastDelivery past(GatherMessageThen(*store_, policies_, question, at).value(),
                      Ordering::kOrdered);
    PastWalk walk(*store_, question.client, past.client(),
                  {[&past](const auto& beginning) { past.Begin(beginning); },
                   [&past](const auto& event) { past.Add(event); }});
    while (!walk.Step(1 + Below(20)).value()) {
    }
    const TestConnection* connection = connections_[question.client];
    if (connection != nullptr) past.AddInFlight(connection->session->InFlight());
    return Explain(past.Facts());
  }

  void NoteAll(std::vector<Noted>& noted) {
    Settle();
    for (const std::string& client : kClients) {
      for (const std::string& room : kRooms) {
        const Seq last = store_->derived().LastOf(IdOf(room));
        for (Seq seq{1}; seq.value <= last.value + 1; ++seq.value) {
          const DeliveryQuestion question{.client = client, .channel = room, .seq = seq};
          if (Below(3) == 0) noted.push_back({clock_.Now(), question, Now(question)});
        }
      }
    }
  }

  Rng rng_{7};
  std::map<std::string, TestConnection*> connections_;
  std::set<std::pair<std::string, std::string>> subscribed_;
};

TEST_F(PastOfSessions, IsWhatWasSaidWhenItWasThePresent) {
  for (const std::string& client : kClients) {
    for (const std::string& room : kRooms) ChangeSubscription(client, room);
  }
  std::vector<Noted> noted;
  for (int step = 0; step < kStepsOfSession; ++step) {
    Step();
    NoteAll(noted);
  }
  std::set<std::string> states;
  for (const Noted& note : noted) {
    EXPECT_EQ(Then(note.question, note.at).DebugString(), note.delivery.DebugString());
    if (HasFailure()) return;
    states.insert(v1::DeliveryState_Name(note.delivery.state()));
  }
  EXPECT_GT(noted.size(), 1'000U);
  EXPECT_GE(states.size(), 6U) << "too little happened";
}

}  // namespace
}  // namespace ackwire
