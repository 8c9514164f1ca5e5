#include "tests/unit/session_fixture.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "tests/unit/ledger_events.h"

namespace ackwire {
namespace {

namespace json = boost::json;

std::string TypeOf(const json::object& frame) {
  return json::value_to<std::string>(frame.at("type"));
}

std::string InWords(const json::value& item) {
  const json::value& message = item.at("message");
  return json::serialize(item.at("delivery")) + ": " +
         json::value_to<std::string>(message.at("channel")) + " seq " +
         json::serialize(message.at("seq")) + " attempt " + json::serialize(item.at("attempt"));
}

}  // namespace

void FakeOutlet::Write(std::string text, std::vector<std::uint64_t> numbers) {
  if (closed_with != 0) throw std::logic_error("written after the close: " + text);
  frames.push_back(json::parse(text).as_object());
  unwritten.insert(unwritten.end(), numbers.begin(), numbers.end());
  at_write(TypeOf(frames.back()));
}

std::size_t TestConnection::Count(const std::string& type) const {
  return static_cast<std::size_t>(
      std::count_if(outlet.frames.begin(), outlet.frames.end(),
                    [&](const json::object& frame) { return TypeOf(frame) == type; }));
}

SessionTest::SessionTest() {
  const auto post = [this](std::function<void()> job) { loop_.Post(std::move(job)); };
  const auto read = [this](std::function<void()> job) {
    if (reads_held_) return reads_.push_back(std::move(job));
    job();
  };
  store_ =
      Store::Open({.directory = directory_.path() / "data", .clock = clock_, .env = &env_}).value();
  store_->Start(
      {[this, post](const SharedGroup& group) { post([this, group] { OnCommitted(group); }); },
       [](const Status&) {}});
  home_ = std::make_unique<ClientDirectory>(
      ClientDirectory::Dependencies{.store = *store_,
                                    .clock = clock_,
                                    .metrics = metrics_,
                                    .resume_within = session_policy_.resume_within,
                                    .post = post,
                                    .read = read});
  homes_.Add(*home_);
  hub_ = std::make_unique<Hub>(loop_, Hub::Dependencies{.store = *store_,
                                                        .clock = clock_,
                                                        .metrics = metrics_,
                                                        .policies = policies_,
                                                        .session_policy = session_policy_,
                                                        .homes = homes_,
                                                        .read = read,
                                                        .seed = 1});
  hub_->Start([] {});
  calls_.Add(*hub_);
}

SessionTest::~SessionTest() {
  // Answers all that is queued: after it nobody calls back.
  store_->StopWriting();
}

TestConnection& SessionTest::Open() {
  TestConnection& connection = *connections_.emplace_back(std::make_unique<TestConnection>());
  connection.session = std::make_shared<Session>(*hub_, connection.outlet, frame::JsonProtocol(),
                                                 SessionIdentity{.transport = "websocket"});
  hub_->Add(connection.session);
  connection.session->Start();
  return connection;
}

TestConnection& SessionTest::Connect(const std::string& client, const std::string& rest) {
  TestConnection& connection = Open();
  connection.Say(R"({"type":"connect","client":")" + client + "\"" + rest + "}");
  Until([&] { return connection.session->open(); }, client + " is connected");
  return connection;
}

TestConnection& SessionTest::Stream(frame::Connect connect) {
  TestConnection& connection = *connections_.emplace_back(std::make_unique<TestConnection>());
  connection.outlet.answers = false;
  connection.session = std::make_shared<Session>(*hub_, connection.outlet, frame::JsonProtocol(),
                                                 SessionIdentity{.transport = "sse"});
  hub_->Add(connection.session);
  connection.session->Start();
  const std::string client = connect.client;
  connection.session->OnConnect(std::move(connect), Caller());
  Until([&] { return connection.session->open() || connection.session->ended(); },
        client + " is connected");
  return connection;
}

TestConnection& SessionTest::StreamOn(const std::string& client, const std::string& session,
                                      std::uint64_t arrived) {
  return Stream({.client = client, .resume = {{session, arrived, true}}});
}

HttpResponse SessionTest::Call(const std::string& call, const std::string& body,
                               const Caller& caller) {
  std::optional<HttpResponse> answer;
  calls_.Answer(call, body, caller, [&](HttpResponse response) { answer = std::move(response); });
  Until([&] { return answer.has_value(); }, "the answer to " + call);
  return *answer;
}

TestConnection& SessionTest::ConnectSubscribed(const std::string& client,
                                               const std::string& channel) {
  return Connect(client, R"(,"subscriptions":[{"channel":")" + channel + R"("}])");
}

TestConnection& SessionTest::ConnectWithOneParked(const std::string& client,
                                                  const std::string& channel) {
  TestConnection& connection = ConnectSubscribed(client, channel);
  Publish(channel);
  TakeDeliveries(connection, 1);
  connection.Say(R"({"type":"nack","deliveries":[1],"final":true})");
  Until([&] { return totals().parked == 1; }, "the parking is on record");
  return connection;
}

json::object SessionTest::Take(TestConnection& connection, const std::string& type) {
  Until([&] { return connection.Count(type) > 0; }, "a frame " + type);
  auto& frames = connection.outlet.frames;
  const auto found = std::find_if(frames.begin(), frames.end(),
                                  [&](const json::object& each) { return TypeOf(each) == type; });
  json::object frame = std::move(*found);
  frames.erase(found);
  return frame;
}

Strings SessionTest::TakeDeliveries(TestConnection& connection, std::size_t count) {
  Strings deliveries;
  while (deliveries.size() < count) {
    const json::object frame = Take(connection, "deliveries");
    for (const json::value& item : frame.at("items").as_array()) {
      deliveries.push_back(InWords(item));
    }
  }
  return deliveries;
}

void SessionTest::Submit(Work work) { store_->Submit(std::move(work)); }

template <typename W>
void SessionTest::Do(W work) {
  std::optional<Status> answer;
  work.done = [this, &answer](const decltype(W::outcome)& outcome) {
    loop_.Post([&answer, status = outcome.status()] { answer = status; });
  };
  Submit(std::move(work));
  Until([&] { return answer.has_value(); }, "an answer of the writer");
  if (!answer->ok()) throw std::runtime_error(answer->ToString());
}

void SessionTest::Publish(const std::string& channel, const std::string& payload) {
  Do(std::get<PublishWork>(TestStore::PublishWorkOf(channel, payload)));
}

void SessionTest::Subscribe(const std::string& client, const std::string& channel) {
  Do(std::get<SubscribeWork>(TestStore::SubscribeWorkOf({{client, channel, {}}})));
}

std::uint64_t SessionTest::Unsubscribe(const std::string& client, const std::string& channel) {
  std::optional<StatusOr<std::uint64_t>> abandoned;
  homes_.Unsubscribe(client, channel,
                     [&](const StatusOr<std::uint64_t>& outcome) { abandoned = outcome; });
  Until([&] { return abandoned.has_value(); }, "the unsubscription");
  return abandoned->value();
}

StatusOr<Recorded> SessionTest::Change(const std::string& client, const store::Event& change) {
  std::optional<StatusOr<Recorded>> recorded;
  homes_.Change(client, change, [&](const StatusOr<Recorded>& outcome) { recorded = outcome; });
  Until([&] { return recorded.has_value(); }, "the change");
  return *recorded;
}

void SessionTest::BeginChange(const std::string& client, const store::Event& change) {
  homes_.Change(client, change, [](const StatusOr<Recorded>&) {});
}

SessionTest::Others SessionTest::BeginAbandoning(const Strings& clients) {
  auto others = std::make_shared<std::optional<Strings>>();
  ClientDirectory::ClientChanges changes;
  for (const std::string& client : clients) {
    changes.push_back({client, events::Abandoned("", IdOf(kRoom), RunOf(1, 1))});
    changes.back().event.mutable_abandoned()->set_reason(v1::REASON_RETENTION);
  }
  homes_.AbandonOffline(std::move(changes), [others](const Status& outcome,
                                                     const ClientDirectory::ClientChanges& rest) {
    EXPECT_TRUE(outcome.ok()) << outcome;
    others->emplace();
    for (const auto& each : rest) (*others)->push_back(each.client);
  });
  return others;
}

Strings SessionTest::Abandon(const Strings& clients) {
  const Others others = BeginAbandoning(clients);
  Until([&] { return others->has_value(); }, "what is abandoned");
  return others->value();
}

void SessionTest::OnCommitted(const SharedGroup& group) {
  groups_.push_back(group);
  if (!groups_held_) ReleaseGroups();
}

void SessionTest::ReleaseGroups() {
  groups_held_ = false;
  for (const SharedGroup& group : std::exchange(groups_, {})) {
    EXPECT_EQ(hub_->Offer(group), Offered::kTaken);
  }
}

void SessionTest::ReleaseReads() {
  reads_held_ = false;
  for (const auto& read : std::exchange(reads_, {})) read();
}

SessionTest::WriterHold::WriterHold(Store& store) {
  JournalWork work;
  work.done = [released = released_.get_future().share()](const auto&) { released.wait(); };
  store.Submit(std::move(work));
}

void SessionTest::Until(const std::function<bool()>& condition, const std::string& what) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) throw std::runtime_error("never: " + what);
    context_.run_one_until(deadline);
  }
}

void SessionTest::PassFlush() {
  // Timers of one context expire in order: a flush that is armed by now is sooner than this one.
  const std::unique_ptr<WakeTimer> timer = loop_.MakeTimer();
  bool passed = false;
  timer->Arm(2 * kJournalFlushInterval, [&passed] { passed = true; });
  Until([&] { return passed; }, "the flush");
}

void SessionTest::Settle() {
  // Twice: what happened while a flush was under way is flushed when that one has ended.
  for (int round = 0; round < 2; ++round) {
    PassFlush();
    // A commit is answered before it is passed on, but the next one is answered after that.
    Do(JournalWork());
    Do(JournalWork());
    Poll();
  }
}

void SessionTest::Advance(TestConnection& connection, Duration by) {
  clock_.Advance(by);
  // The hub's timers follow the real time, which does not pass here: what is due is due at once.
  hub_->WakeAt(*connection.session, Timestamp());
  Poll();
}

Totals SessionTest::totals() const {
  return store_->derived().Read([](const DerivedView& view) { return view.totals; });
}

ChannelId SessionTest::IdOf(const std::string& channel) const {
  return store_->derived().Read([&](const DerivedView& view) {
    const ChannelInfo* info = view.channels.Find(channel);
    return info == nullptr ? ChannelId{} : info->id;
  });
}

LedgerEntry SessionTest::Entry(const std::string& client, const std::string& channel) const {
  return store_->ledger().Entry(client, IdOf(channel)).value();
}

}  // namespace ackwire
