#include "delivery/delivery_server.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "delivery/admin_api.h"
#include "delivery/client_homes.h"
#include "delivery/commit_watch.h"
#include "delivery/gauge_reader.h"
#include "delivery/http_api.h"
#include "delivery/hub.h"
#include "delivery/io_thread.h"
#include "delivery/listener.h"
#include "delivery/receipts.h"
#include "delivery/remover.h"
#include "delivery/replay_runner.h"
#include "delivery/retention.h"
#include "delivery/server_drain.h"
#include "delivery/session.h"
#include "delivery/session_calls.h"
#include "delivery/tickets.h"

namespace ackwire {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadThreads = 2;
// How long sessions may take to send their last frames when the server stops.
constexpr std::chrono::milliseconds kClosingTime{500};

Status NamingFlag(const char* flag, const Status& status) {
  return Error(status.code(), std::string(flag) + ": " + MessageOf(status) +
                                  "; give another address, or port 0 for any that is free");
}

}  // namespace

struct DeliveryServer::Parts {
  Parts(Store& the_store, const Clock& the_clock, Metrics& the_metrics, const Options& the_options)
      : store(the_store),
        clock(the_clock),
        metrics(the_metrics),
        options(the_options),
        limits(options.edge, metrics),
        tickets(options.session.resume_within),
        receipts{store, options.policies, clock, [this](auto job) { Read(std::move(job)); },
                 [this](ChannelId channel, Seq seq, auto done) {
                   AskListeners(channel, seq, std::move(done));
                 }},
        http_api({store, clock, metrics, [this](auto job) { Read(std::move(job)); }, receipts,
                  options.policies, limits, calls, tickets, options.tokens}),
        admin_api(
            metrics, [this](auto done) { GatherGauges(std::move(done)); },
            [&the_store = store] {
              const Status damage = the_store.Damage();
              return damage.ok() ? the_store.CheckFreeDisk() : damage;
            }),
        commit_watch(store.derived()),
        replays({store, clock, homes}),
        gauges(store, clock),
        remover({store, homes, [this](auto job) { Read(std::move(job)); }}),
        retention({store, clock, options.policies, remover, homes}) {}

  void MakeThreads();
  [[nodiscard]] std::vector<IoTarget> targets();
  void Read(std::function<void()> job) { asio::post(read_pool, std::move(job)); }
  // Visits the hubs one after the other, each on its thread, then calls `done` on the last one's.
  void VisitHubs(std::function<void(Hub&)> visit, std::function<void()> done, std::size_t from = 0);
  void GatherGauges(std::function<void(Metrics::Gauges)> done);
  // What the sessions that listen to the channel know of a message, once that is on record.
  void AskListeners(ChannelId channel, Seq seq, std::function<void(LiveDeliveries)> done);
  void CloseSessions();

  Store& store;
  const Clock& clock;
  Metrics& metrics;
  const Options options;
  Wiring wiring;
  EdgeLimits limits;  // connections leave it when the threads' contexts go
  asio::thread_pool read_pool{kReadThreads};
  std::vector<std::unique_ptr<IoThread>> threads;
  ClientHomes homes;
  SessionCalls calls;
  Tickets tickets;
  const ReceiptsSource receipts;
  HttpApi http_api;
  AdminApi admin_api;
  CommitWatch commit_watch;
  ReplayRunner replays;
  GaugeReader gauges;
  Remover remover;
  Retention retention;
  std::optional<ServerDrain> drain;
  std::unique_ptr<Listener> http;
  std::unique_ptr<Listener> admin;
  bool stopped = false;
};

void DeliveryServer::Parts::MakeThreads() {
  for (std::size_t i = 0; i < std::max<std::size_t>(options.io_threads, 1); ++i) {
    auto& thread = *threads.emplace_back(std::make_unique<IoThread>());
    const auto read = [this](std::function<void()> job) { Read(std::move(job)); };
    thread.directory.emplace(ClientDirectory::Dependencies{
        .store = store,
        .clock = clock,
        .metrics = metrics,
        .resume_within = options.session.resume_within,
        .post = [&loop = thread.loop](std::function<void()> job) { loop.Post(std::move(job)); },
        .read = read});
    homes.Add(*thread.directory);
    thread.hub.emplace(thread.loop, Hub::Dependencies{.store = store,
                                                      .clock = clock,
                                                      .metrics = metrics,
                                                      .policies = options.policies,
                                                      .session_policy = options.session,
                                                      .tokens = options.tokens,
                                                      .homes = homes,
                                                      .read = read,
                                                      .seed = options.seed + i});
    calls.Add(*thread.hub);
  }
  drain.emplace(ServerDrain::Dependencies{
      .loop = threads.front()->loop,
      .times = options.session.drain,
      .visit_hubs = [this](auto visit, auto done) { VisitHubs(std::move(visit), std::move(done)); },
      .set_not_ready = [this](const std::string& why) { admin_api.SetNotReady(why); }});
}

std::vector<IoTarget> DeliveryServer::Parts::targets() {
  std::vector<IoTarget> out;
  for (const auto& thread : threads) out.push_back({&thread->context, &*thread->hub});
  return out;
}

void DeliveryServer::Parts::VisitHubs(std::function<void(Hub&)> visit, std::function<void()> done,
                                      std::size_t from) {
  Hub& hub = *threads[from]->hub;
  hub.Post([this, visit = std::move(visit), done = std::move(done), from, &hub]() mutable {
    visit(hub);
    if (from + 1 == threads.size()) return done();
    VisitHubs(std::move(visit), std::move(done), from + 1);
  });
}

void DeliveryServer::Parts::GatherGauges(std::function<void(Metrics::Gauges)> done) {
  auto scan = std::make_shared<OnlineScan>();
  VisitHubs([scan](Hub& hub) { Collect(hub, *scan); },
            [this, scan, done = std::move(done)] {
              Read([this, scan, done] { done(gauges.Read(*scan, wiring.outbox_depth())); });
            });
}

void DeliveryServer::Parts::AskListeners(ChannelId channel, Seq seq,
                                         std::function<void(LiveDeliveries)> done) {
  struct Asked {
    LiveDeliveries live;
    std::atomic<std::size_t> hubs;  // whose events are not on record yet
  };
  auto asked = std::make_shared<Asked>();
  asked->hubs = threads.size();
  VisitHubs(
      [asked, channel, seq, done = std::move(done)](Hub& hub) {
        std::vector<store::Event> events;
        for (Session* session : hub.ListenersOf(channel)) {
          if (!session->open()) continue;
          asked->live[session->client()] = session->Live(channel, seq);
          for (store::Event& event : session->TakeEvents()) events.push_back(std::move(event));
        }
        hub.SubmitEvents(std::move(events), [asked, done](const auto&) {
          if (--asked->hubs == 0) done(std::move(asked->live));
        });
      },
      [] {});
}

void DeliveryServer::Parts::CloseSessions() {
  std::mutex mutex;
  std::condition_variable visited;
  bool done = false;
  VisitHubs([](Hub& hub) { hub.ShutAll(close_code::kGoingAway, "the server is stopping"); },
            [&] {
              std::lock_guard lock(mutex);
              done = true;
              visited.notify_one();
            });
  std::unique_lock lock(mutex);
  visited.wait(lock, [&] { return done; });
}

DeliveryServer::DeliveryServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

DeliveryServer::~DeliveryServer() { Stop(); }

StatusOr<std::unique_ptr<DeliveryServer>> DeliveryServer::Bind(Store& store, const Clock& clock,
                                                               Metrics& metrics,
                                                               const Options& options) {
  auto parts = std::make_unique<Parts>(store, clock, metrics, options);
  parts->MakeThreads();
  auto http = Listener::Bind(
      options.http, parts->targets(),
      {.identify = [api = &parts->http_api](HttpRequest& head) { return api->Identify(head); },
       .answer = [api = &parts->http_api](
                     HttpRequest request,
                     HttpApi::Done done) { api->Answer(std::move(request), std::move(done)); },
       .gate = MakeGate(options.http.host, options.edge,
                        options.http_tls == nullptr ? "http" : "https"),
       .http_limits = options.edge.http,
       .limits = &parts->limits,
       .access_log = options.access_log,
       .web_sockets = true,
       .tickets = &parts->tickets,
       .tls = options.http_tls});
  if (!http.ok()) return NamingFlag("--http", http.status());
  parts->http = *std::move(http);
  auto admin =
      Listener::Bind(options.admin, parts->targets(),
                     {.answer = [api = &parts->admin_api](
                                    const HttpRequest& request,
                                    const HttpApi::Done& done) { api->Answer(request, done); },
                      .gate = MakeGate(options.admin.host, {.hosts = options.edge.hosts}),
                      .access_log = options.access_log});
  if (!admin.ok()) return NamingFlag("--admin", admin.status());
  parts->admin = *std::move(admin);
  return std::unique_ptr<DeliveryServer>(new DeliveryServer(std::move(parts)));
}

std::vector<Sink*> DeliveryServer::sinks() {
  std::vector<Sink*> out = {&parts_->commit_watch, &parts_->replays};
  for (const auto& thread : parts_->threads) out.push_back(&*thread->hub);
  return out;
}

void DeliveryServer::Start(Wiring wiring) {
  parts_->wiring = std::move(wiring);
  for (const auto& thread : parts_->threads) {
    thread->hub->Start(parts_->wiring.wake_relay);
    thread->Run();
  }
  parts_->replays.Start();
  parts_->retention.Start();
  parts_->http->Start();
  parts_->admin->Start();
  SetNotReady("");
}

void DeliveryServer::Stop() {
  if (std::exchange(parts_->stopped, true)) return;
  parts_->http->Close();
  parts_->admin->Close();
  parts_->replays.Stop();
  parts_->retention.Stop();
  if (parts_->threads.front()->thread.joinable()) parts_->CloseSessions();
  for (const auto& thread : parts_->threads) thread->work.reset();
  auto closing_time = kClosingTime;
  for (const auto& thread : parts_->threads) {
    // Where one took all of it, the others had the same.
    if (!thread->Join(closing_time)) closing_time = closing_time.zero();
  }
  parts_->read_pool.join();
}

void DeliveryServer::SetNotReady(const std::string& why) { parts_->admin_api.SetNotReady(why); }

void DeliveryServer::RenewPolicies() {
  for (const auto& thread : parts_->threads) {
    Hub& hub = *thread->hub;
    hub.Post([&hub] { hub.RenewPolicies(); });
  }
}

ServerDrain& DeliveryServer::drain() { return *parts_->drain; }

void DeliveryServer::SetAdminCall(AdminCall call) { parts_->admin_api.SetCall(std::move(call)); }

Endpoint DeliveryServer::http_endpoint() const { return parts_->http->endpoint(); }
Endpoint DeliveryServer::admin_endpoint() const { return parts_->admin->endpoint(); }
EdgeLimits& DeliveryServer::limits() { return parts_->limits; }

void DeliveryServer::Read(std::function<void()> job) { parts_->Read(std::move(job)); }

void DeliveryServer::Unsubscribe(const std::string& client, const std::string& channel,
                                 std::function<void(StatusOr<std::uint64_t>)> done) {
  parts_->homes.Unsubscribe(client, channel, std::move(done));
}

void DeliveryServer::SetPaused(const std::string& client, const Pause& pause,
                               std::function<void(Status)> done) {
  store::Event change;
  change.mutable_client_paused()->set_paused(pause.paused);
  change.mutable_client_paused()->set_note(pause.note);
  parts_->homes.Change(
      client, std::move(change),
      [done = std::move(done)](const StatusOr<Recorded>& recorded) { done(recorded.status()); });
}

void DeliveryServer::Disconnect(const std::string& client, const std::string& reason,
                                std::function<void()> done) {
  const auto shut = [this, client, reason, done = std::move(done)](Session* session) {
    if (session == nullptr) return done();
    session->Shut(close_code::kDisconnected, reason);
    // Whoever asks behind it is answered once its last events are on record.
    parts_->homes.AskSession(client, [done](Session*) { done(); });
  };
  parts_->homes.AskSession(client, shut);
}

void DeliveryServer::Dismiss(const Dismissal& dismissal,
                             std::function<void(StatusOr<std::uint64_t>)> done) {
  store::Event change;
  store::Abandoned& abandoned = *change.mutable_abandoned();
  abandoned.set_channel(dismissal.channel.value);
  abandoned.set_reason(v1::REASON_DISMISSED);
  abandoned.set_detail(dismissal.note);
  for (const Seq seq : dismissal.seqs) abandoned.add_unparked(seq.value);
  parts_->homes.Change(dismissal.client, std::move(change),
                       [done = std::move(done)](const StatusOr<Recorded>& recorded) {
                         if (!recorded.ok()) return done(recorded.status());
                         done(recorded->dismissed);
                       });
}

void DeliveryServer::Forget(const std::string& client, const std::string& note,
                            std::function<void(StatusOr<Forgotten>)> done) {
  parts_->homes.Forget(client, note, std::move(done));
}

void DeliveryServer::Redact(ChannelId channel, Seq seq, const std::string& note,
                            std::function<void(const Status&)> done) {
  Remover::Order order{channel, {}, {v1::REASON_REDACTED, note, true}};
  order.seqs.Add({seq, seq});
  parts_->remover.Remove(std::move(order), std::move(done));
}

void DeliveryServer::AskLive(const std::string& client, ChannelId channel, Seq seq,
                             std::function<void(std::optional<LiveDelivery>)> done) {
  parts_->homes.AskSession(client, [channel, seq, done = std::move(done)](Session* session) {
    if (session == nullptr) return done(std::nullopt);
    session->Record([live = session->Live(channel, seq), done] { done(live); });
  });
}

void DeliveryServer::AskInFlight(const std::string& client,
                                 std::function<void(std::vector<AckWindow::Sent>)> done) {
  parts_->homes.AskSession(client, [done = std::move(done)](Session* session) {
    if (session == nullptr) return done({});
    session->Record([in_flight = session->InFlight(), done] { done(in_flight); });
  });
}

void DeliveryServer::GetReceipts(const NamedMessage& message, std::size_t clients_max,
                                 std::function<void(StatusOr<v1::Receipts>)> done) {
  AskReceipts(parts_->receipts, {message, clients_max}, done);
}

void DeliveryServer::AskSessions(std::function<void(LiveSessions)> done) {
  auto sessions = std::make_shared<LiveSessions>();
  parts_->VisitHubs(
      [sessions](Hub& hub) {
        for (const auto& session : hub.sessions()) {
          if (session->open()) sessions->emplace(session->client(), session->Describe());
        }
      },
      [sessions, done = std::move(done)] { done(std::move(*sessions)); });
}

DeliveryServer::ReplayActivity DeliveryServer::ActivityOf(ReplayId replay) const {
  return parts_->replays.ActivityOf(replay);
}

void DeliveryServer::AskOnlineTotals(std::function<void(OnlineTotals)> done) {
  auto scan = std::make_shared<OnlineScan>();
  parts_->VisitHubs([scan](Hub& hub) { Collect(hub, *scan); },
                    [scan, done = std::move(done)] {
                      done({.undelivered = scan->undelivered, .sessions = scan->sessions});
                    });
}

void DeliveryServer::WhenCommitted(Position position, std::function<void()> wake) {
  parts_->commit_watch.WhenCommitted(position, std::move(wake));
}

void DeliveryServer::WhenFailed(JournalNumber number, std::function<void()> wake) {
  parts_->commit_watch.WhenFailed(number, std::move(wake));
}

}  // namespace ackwire
