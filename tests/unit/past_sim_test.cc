// Random lives of one client, each from a seed, with a recorder beside it that notes, again and
// again, what Explain says of every delivery at that moment. Asked later for each of these moments,
// the journal must say the same, to the last attempt.
// ACKWIRE_SIM_SEED=N runs that one alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/client_ledger.h"
#include "delivery/past_delivery.h"
#include "store/proto_time.h"
#include "store/rng.h"
#include "tests/unit/ledger_rows.h"

namespace ackwire {
namespace {

constexpr std::uint64_t kPastSeeds = 120;
constexpr int kPastSteps = 150;
constexpr char kClient[] = "alice";

struct Note {
  Timestamp at;
  DeliveryKey key;
  v1::Delivery delivery;
};
struct ClientNote {
  Timestamp at;
  bool online = false;
  std::size_t in_flight = 0;
  std::uint64_t sent = 0;
  std::uint64_t acked = 0;
  std::uint64_t undelivered = 0;
  std::map<ChannelId, Seq> last;  // of each channel
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : rng_(seed), policy_(DrawPolicy()) {
    for (std::uint64_t id = 1 + Below(3); id > 0; --id) {
      last_[ChannelId{id}] = Seq{0};
      if (!OneIn(3)) Subscribe(ChannelId{id});
    }
    Connect(AckWindow());
  }

  void Run() {
    for (int step = 0; step < kPastSteps; ++step) {
      now_ += Duration(1 + Below(3));
      Step();
      if (OneIn(2)) NoteAll();
      if (OneIn(4)) {  // time alone changes what is due
        now_ += Duration(1 + Below(600));
        NoteAll();
        now_ += Duration(1);  // what happens at the moment that was noted is not to be told from it
        if (ledger_) ledger_->Tick(now_);
      }
    }
    if (ledger_) Record(ledger_->TakeEvents(now_));
  }

  std::size_t CheckAll() const {
    for (const Note& note : notes_) {
      EXPECT_EQ(Asked(note.at, note.key).DebugString(), note.delivery.DebugString())
          << "at " << ToUnixMs(note.at) << ", now " << ToUnixMs(now_);
      if (::testing::Test::HasFailure()) break;
    }
    for (const ClientNote& note : client_notes_) CheckClient(note);
    return notes_.size();
  }

 private:
  std::uint64_t Below(std::uint64_t bound) { return rng_.Next() % bound; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

  DeliveryPolicy DrawPolicy() {
    return {.ack_wait = Duration(1'000),
            .retry = {.backoff = {Duration(100), Duration(700)},
                      .max_attempts = static_cast<std::uint32_t>(1 + Below(4))},
            .max_disconnects = static_cast<std::uint32_t>(1 + Below(3)),
            .ordering = OneIn(3) ? Ordering::kUnordered : Ordering::kOrdered};
  }

  ChannelId AnyChannel() { return {1 + Below(last_.size())}; }
  static std::string NameOf(ChannelId channel) { return "c" + std::to_string(channel.value); }
  std::vector<std::uint64_t> AnyNumbers() {
    std::vector<std::uint64_t> numbers;
    do {
      const std::uint64_t last = ledger_->sent().last_number();
      const std::uint64_t back = OneIn(4) ? Below(last + 1) : Below(2 * window_);
      numbers.push_back(back < last ? last - back : last);
    } while (OneIn(3));
    return numbers;
  }

  void Step() {
    const std::uint64_t dice = Below(100);
    if (dice < 15) return Publish();
    if (dice < 18) return ChangeSubscription();
    if (!ledger_) return dice < 60 ? ComeBack() : void();
    if (dice < 48) return Send();
    if (dice < 58) return (void)ledger_->Ack(AnyNumbers(), now_);
    if (dice < 66) return (void)ledger_->AckUpTo(AnyNumbers().front(), now_);
    if (dice < 78) return Nack();
    if (dice < 82) return (void)ledger_->Working(AnyNumbers(), now_);
    now_ += Duration(Below(900));
    if (dice < 94) return ledger_->Tick(now_);
    GoAway();
    if (OneIn(2)) ComeBack();
  }

  void Publish() {
    const ChannelId channel = AnyChannel();
    for (std::uint64_t count = 1 + Below(3); count > 0; --count) {
      const Seq seq{++last_[channel].value};
      published_[{channel, seq}] = now_;
      if (OneIn(6)) expires_[{channel, seq}] = now_ + Duration(Below(2'000));
    }
    if (ledger_) ledger_->Extend(channel, last_[channel]);
  }

  bool Expired(const DeliveryKey& key) const {
    const auto expires = expires_.find(key);
    return expires != expires_.end() && expires->second <= now_;
  }

  void Send() {
    for (std::uint64_t room = 1 + Below(10); room > 0; --room) {
      const auto key = ledger_->FindNext(now_);
      if (!key) return;
      if (Expired(*key)) {
        ledger_->Abandon(*key, v1::REASON_EXPIRED, now_);
      } else if (OneIn(30)) {
        ledger_->Reject(*key, v1::REASON_TOO_LARGE, "too large", now_);
      } else {
        const auto sent = ledger_->Send(*key, published_.at(*key), now_);
        if (!OneIn(4)) ledger_->Written({sent.number}, now_);
      }
    }
  }

  void Nack() {
    const Duration delay = OneIn(5) ? Duration(2'000) : Duration(0);
    const bool final = OneIn(8);
    (void)ledger_->Nack({AnyNumbers(), "could not", delay, final}, now_);
  }

  void GoAway() {
    ledger_->Close({.close_code = 1006, .counts = !OneIn(4)}, now_);
    Record(ledger_->TakeEvents(now_));
    sent_ = ledger_->TakeAckWindow();
    ledger_.reset();
  }

  void ComeBack() {
    now_ += Duration(1 + Below(300));
    if (OneIn(2)) {
      ++session_;
      return Connect(AckWindow());
    }
    const std::uint64_t completed = Below(sent_.last_number() + 1);
    Connect(std::move(sent_));
    OneIn(2) ? ledger_->GoOn(completed, now_) : ledger_->Resume(completed, now_);
  }

  void Connect(AckWindow sent) {
    ledger_ = std::make_unique<ClientLedger>(
        ClientLedger::Options{.client = kClient,
                              .session = {.id = "s-" + std::to_string(session_),
                                          .transport = "websocket",
                                          .remote_address = "127.0.0.1:5"},
                              .window = window_,
                              .disconnects = rows_.client.disconnects},
        std::move(sent), policies_, rng_);
    for (const auto& [channel, entry] : rows_.entries) {
      if (entry.subscribed()) ledger_->AddSubscription(StateOf(channel));
    }
    ledger_->Open(now_);
  }

  SubscriptionState StateOf(ChannelId channel) {
    return {.channel = channel,
            .channel_name = NameOf(channel),
            .entry = rows_.Load(channel),
            .last = last_[channel]};
  }

  void Subscribe(ChannelId channel) {
    Record(
        {SubscribedEvent(channel, NameOf(channel), {1 + Below(last_[channel].value + 1)}, now_)});
  }

  void ChangeSubscription() {
    const ChannelId channel = AnyChannel();
    const auto entry = rows_.entries.find(channel);
    if (entry == rows_.entries.end() || !entry->second.subscribed()) {
      if (ledger_) Record(ledger_->TakeEvents(now_));
      Subscribe(channel);
      if (ledger_) ledger_->AddSubscription(StateOf(channel));
    } else if (ledger_) {
      ledger_->RemoveSubscription(channel, now_);
      Record(ledger_->TakeEvents(now_));
    } else {
      store::Event event = UnsubscribedEvent(channel);
      event.set_at_ms(ToUnixMs(now_));
      Record({event});
      sent_.Forget(channel);  // as the client's home does
    }
  }

  // Commits the events, as the store's writer does.
  void Record(std::vector<store::Event> events) {
    for (store::Event& event : events) {
      event.set_client(kClient);
      if (event.has_unsubscribed()) Complete(*event.mutable_unsubscribed());
      journal_.push_back({EventId::Of({journal_.size() + 1}, 0), now_ + Duration(20), event});
      rows_.Fold({event});
    }
  }

  void Complete(store::Unsubscribed& ended) {
    const ChannelId channel{ended.channel()};
    const SeqRuns undelivered = rows_.entries.at(channel).UndeliveredRuns(last_[channel]);
    for (const SeqRun& run : undelivered.runs()) {
      auto& out = *ended.add_runs();
      out.set_first(run.first.value);
      out.set_last(run.last.value);
    }
    ended.set_last(last_[channel].value);
  }

  void NoteAll() {
    if (ledger_) Record(ledger_->TakeEvents(now_));
    for (const auto& [channel, last] : last_) {
      for (Seq seq{1}; seq.value <= last.value + 1; ++seq.value) {
        if (OneIn(3)) notes_.push_back({now_, {channel, seq}, Explain(FactsNow({channel, seq}))});
      }
    }
    ClientNote note{.at = now_, .online = ledger_ != nullptr, .last = last_};
    for (const auto& [channel, entry] : rows_.entries) {
      note.undelivered += entry.Undelivered(last_[channel]);
    }
    if (ledger_) {
      note.in_flight = ledger_->sent().in_flight();
      note.sent = ledger_->sent().last_number();
      note.acked = ledger_->acked_total();
    }
    client_notes_.push_back(note);
  }

  DeliveryFacts FactsOf(Timestamp at, const DeliveryKey& key, Seq last) const {
    DeliveryFacts facts;
    facts.client = kClient;
    facts.channel = NameOf(key.channel);
    facts.seq = key.seq;
    facts.now = at;
    facts.ack_wait = policy_.ack_wait;
    facts.attempts_max = policy_.retry.max_attempts;
    facts.channel_id = key.channel;
    facts.channel_last = last;
    const auto published = published_.find(key);
    if (published == published_.end() || published->second > at) return facts;
    facts.message.emplace();
    facts.message->set_kind(v1::KIND_CREATED);
    facts.message->set_message_id("m-" + std::to_string(key.seq.value));
    SetTime(*facts.message->mutable_published_at(), published->second);
    const auto expires = expires_.find(key);
    if (expires != expires_.end()) SetTime(*facts.message->mutable_expires_at(), expires->second);
    return facts;
  }

  // As GatherFacts and the session have them, found the slow way.
  DeliveryFacts FactsNow(const DeliveryKey& key) const {
    DeliveryFacts facts = FactsOf(now_, key, last_.at(key.channel));
    if (!facts.message) return facts;
    const auto row = rows_.entries.find(key.channel);
    if (row != rows_.entries.end()) facts.entry = row->second;
    facts.online = ledger_ != nullptr;
    if (ledger_) facts.live = Live(key);
    for (const JournalEvent& event : journal_) {
      if (event.event.has_subscribed() && event.event.subscribed().channel() == key.channel.value) {
        facts.parked.reset();
        facts.acked.reset();
      }
      if (TellsOfFailure(event.event, key.channel, key.seq)) {
        facts.failures.push_back(event);
        if (event.event.has_parked()) facts.parked = event;
      }
      if (Acknowledges(event.event, key.channel, key.seq)) {
        facts.parked.reset();
        facts.acked = event;
      }
    }
    if (facts.parked) facts.acked.reset();
    if (facts.owed() && facts.entry.IsSettled(key.seq)) return facts;
    facts.parked.reset();
    facts.acked.reset();
    return facts;
  }

  LiveDelivery Live(const DeliveryKey& key) const {
    LiveDelivery live;
    live.window_full = ledger_->sent().in_flight() >= ledger_->window();
    if (const auto number = ledger_->sent().InFlight(key)) {
      const AckWindow::Sent& sent = *ledger_->sent().Find(*number);
      live.in_flight = true;
      live.attempt.set_number(sent.attempt);
      live.attempt.set_session(ledger_->session().id);
      live.attempt.set_transport(ledger_->session().transport);
      live.attempt.set_remote_address(ledger_->session().remote_address);
      SetTime(*live.attempt.mutable_sent_at(), sent.sent_at);
    }
    const auto feed = ledger_->feeds().find(key.channel);
    if (feed == ledger_->feeds().end()) return live;
    const auto blocked_by = feed->second.blocked_by();
    if (blocked_by && *blocked_by < key.seq) live.blocked_by = blocked_by;
    return live;
  }

  // Of all that was recorded, and of what is in flight now.
  template <typename Past>
  void Tell(Past& past) const {
    for (const JournalEvent& event : journal_) past.Add(event);
    std::vector<AckWindow::Sent> in_flight;
    if (ledger_) {
      for (const std::uint64_t number : ledger_->sent().AllInFlight()) {
        in_flight.push_back(*ledger_->sent().Find(number));
      }
    }
    past.AddInFlight(in_flight);
  }

  v1::Delivery Asked(Timestamp at, const DeliveryKey& key) const {
    Seq last;
    for (const auto& [published, when] : published_) {
      if (published.channel == key.channel && when <= at) last = published.seq;
    }
    PastDelivery past(FactsOf(at, key, last), policy_.ordering);
    Tell(past);
    return Explain(past.Facts());
  }

  void CheckClient(const ClientNote& note) const {
    PastClient past(note.at);
    Tell(past);
    SCOPED_TRACE("at " + std::to_string(ToUnixMs(note.at)));
    EXPECT_EQ(past.session().has_value(), note.online);
    EXPECT_EQ(past.in_flight().size(), note.in_flight);
    std::uint64_t undelivered = 0;
    for (const auto& [channel, entry] : past.entries()) {
      undelivered += entry.Undelivered(note.last.at(channel));
    }
    EXPECT_EQ(undelivered, note.undelivered);
    if (!note.online) return;
    EXPECT_EQ(past.sent(), note.sent);
    EXPECT_EQ(past.acked(), note.acked);
  }

  Rng rng_;
  const DeliveryPolicy policy_;
  const Policies policies_{policy_};
  const std::uint32_t window_ = static_cast<std::uint32_t>(1 + Below(8));
  Timestamp now_ = FromUnixMs(1'000'000);
  std::uint64_t session_ = 1;
  std::map<ChannelId, Seq> last_;
  std::map<DeliveryKey, Timestamp> published_;
  std::map<DeliveryKey, Timestamp> expires_;
  std::vector<JournalEvent> journal_;
  LedgerRows rows_;
  AckWindow sent_;                        // while it is away
  std::unique_ptr<ClientLedger> ledger_;  // null while it is away
  std::vector<Note> notes_;
  std::vector<ClientNote> client_notes_;
};

TEST(PastSimulation, SaysOfEachMomentWhatWasSaidAtThatMoment) {
  const char* one = std::getenv("ACKWIRE_SIM_SEED");
  const std::uint64_t first = one == nullptr ? 1 : std::strtoull(one, nullptr, 10);
  const std::uint64_t last = one == nullptr ? kPastSeeds : first;
  std::size_t compared = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("ACKWIRE_SIM_SEED=" + std::to_string(seed));
    Life life(seed);
    life.Run();
    compared += life.CheckAll();
    if (HasFailure()) return;
  }
  if (one != nullptr) return;
  EXPECT_GT(compared, 100'000U);
}

}  // namespace
}  // namespace ackwire
