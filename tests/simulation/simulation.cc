#include "tests/simulation/simulation.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "delivery/gauge_reader.h"
#include "store/store.h"
#include "tests/faults/surviving_log.h"
#include "tests/simulation/client.h"
#include "tests/simulation/operator.h"
#include "tests/simulation/publisher.h"
#include "tests/simulation/replayer.h"
#include "tests/simulation/server.h"
#include "tests/simulation/world.h"

namespace ackwire {
namespace {

constexpr Duration kTroubled{900};    // while faults happen
constexpr Duration kCalmMax{20'000};  // until all that is owed must be settled
constexpr Duration kAtRest{100};      // at the end: longer than a sink is full, or a thread late
constexpr std::uint64_t kStepsMax = 300'000;

// A data directory in which nothing has happened yet. To make one takes longer than a whole run.
const FaultDisk& EmptyStore() {
  static FaultEnv env(0, Compactions::kByHand, OptionsFiles::kNone);
  static const bool made = [] {
    const Agenda agenda;
    const SetClock clock(agenda);
    Store::Open({.directory = "/data", .clock = clock, .seed = 1, .env = &env}).value();
    return true;
  }();
  (void)made;
  return env.disk();
}

class Run {
 public:
  Run(std::uint64_t seed, Trace trace) : world_(seed), operator_(world_), replayer_(world_) {
    world_.findings.trace = trace == Trace::kYes;
    world_.env.disk().CopyFrom(EmptyStore());
    for (const std::string& name : world_.clients) {
      clients_.push_back(std::make_unique<SimClient>(world_, name));
    }
    for (const char* name : {"anna", "bert"}) {
      publishers_.push_back(std::make_unique<SimPublisher>(world_, name));
    }
  }
  ~Run() { Close(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Findings Go() {
    Start();
    for (const auto& client : clients_) client->Begin();
    for (const auto& publisher : publishers_) publisher->Begin();
    operator_.Begin();
    replayer_.Begin();
    PlanFalls();
    Disturb();
    const Timestamp end = world_.agenda.now() + kTroubled;
    while (good() && world_.agenda.now() < end) Step();
    if (good()) Calm();
    if (good()) CheckTheEnd();
    if (good() && world_.OneIn(6)) StopAndStart();
    return std::move(world_.findings);
  }

 private:
  enum class Fall { kKill, kPowerCut, kDiskStop, kWriteError };

  [[nodiscard]] bool good() const { return world_.findings.good(); }
  void Violate(const std::string& rule, const std::string& what) {
    world_.findings.Violate(rule, what);
  }
  FaultDisk& disk() { return world_.env.disk(); }

  void Step() {
    if (++steps_ > kStepsMax) return Violate("rest", "it never comes to rest");
    if (world_.agenda.RunDue()) return;
    if (world_.server != nullptr && world_.server->Step()) {
      if (disk().stopped()) return FallDown("disk stopped in a call");
      // A process that cannot write any more ends, but not at once.
      if (world_.server->failed() && world_.OneIn(4)) return FallDown(failure_);
      constexpr Duration kTick{1};
      if (world_.OneIn(16)) world_.agenda.PassTo(world_.agenda.now() + kTick);
      return;
    }
    if (const auto next = world_.agenda.next()) world_.agenda.PassTo(*next);
  }

  // --- Its lives.

  void Start() {
    world_.findings.Event("starts");
    const bool may_stop = lives_ > 0 && !world_.calm && world_.OneIn(6);
    if (may_stop) {
      disk().Order({.nth = 1 + world_.Below(60), .calls = kIoChanges, .kind = FaultKind::kStop});
    }
    ++lives_;
    auto server = SimServer::Open(world_, "boot " + std::to_string(boot_));
    if (server.ok()) {
      world_.server = *std::move(server);
      CheckStart();
      const Status started = good() ? world_.server->Start() : OkStatus();
      if (!started.ok() && !disk().stopped()) Violate("start", started.ToString());
    } else if (!disk().stopped()) {
      Violate("start", "refused: " + server.status().ToString());
    }
    if (disk().stopped()) return FallDown("disk stopped in a start");
    disk().Heal();
  }

  void CheckStart() {
    const StatusOr<SurvivingLog> log = ReadSurvivingLog(world_.server->store().database());
    if (!log.ok()) return Violate("damaged", MessageOf(log.status()));
    const std::size_t messages = world_.log.messages();
    const std::size_t records = world_.log.records();
    world_.log.Started(*log);
    if (!good()) return;
    world_.deliveries.Started(*log, messages, records);
    Compare();
  }

  // What the store says of everything, and what its journal comes to.
  void Compare() {
    world_.findings.Event("store compared with its journal");
    Store& store = world_.server->store();
    const auto said = DescribeStore({store.derived(), store.log(), store.ledger()});
    if (!said.ok()) return Violate("damaged", MessageOf(said.status()));
    const std::vector<std::string> expected = world_.deliveries.record().Describe();
    const auto [want, have] =
        std::mismatch(expected.begin(), expected.end(), said->begin(), said->end());
    if (want == expected.end() && have == said->end()) return;
    Violate("derived", "the store says {" + (have == said->end() ? "nothing more" : *have) +
                           "}, log and journal {" +
                           (want == expected.end() ? "nothing more" : *want) + "}");
  }

  void FallDown(const char* fault) {
    world_.findings.Fault(fault);
    world_.findings.Note(fault);
    if (power_goes_ || world_.OneIn(2) || std::string_view(fault) == "power cut") {
      disk().PowerCut(world_.rng);
      ++boot_;
    } else {
      disk().Crash();
    }
    power_goes_ = false;
    Close();
    disk().Restart();
    disk().Heal();
    if (world_.OneIn(3)) {
      world_.findings.Fault("clock set back between starts");
      world_.clock.Set(-world_.Wait(1, 300));
    }
    world_.agenda.After(world_.Wait(1, 60), [this] { Start(); });
  }

  void Close() { world_.server.reset(); }

  // --- What goes wrong.

  void PlanFalls() {
    const std::uint64_t draw = world_.Below(10);
    const std::uint64_t count = draw < 3 ? 0 : draw < 8 ? 1 : 2;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto fall = static_cast<Fall>(world_.Below(4));
      world_.agenda.After(world_.Wait(30, kTroubled.count() - 50), [this, fall] { Let(fall); });
    }
  }

  void Let(Fall fall) {
    if (world_.server == nullptr || world_.calm) return;
    switch (fall) {
      case Fall::kKill:
        return Kill();
      case Fall::kPowerCut:
        return FallDown("power cut");
      case Fall::kDiskStop:
        disk().Order({.nth = 1 + world_.Below(12), .calls = kIoChanges, .kind = FaultKind::kStop});
        return;
      case Fall::kWriteError:
        return FailSomeWrite();
    }
  }

  void Kill() {
    world_.findings.Fault("kill -9");
    disk().Crash();
    Close();
    disk().Restart();
    disk().Heal();
    world_.agenda.After(world_.Wait(1, 60), [this] { Start(); });
  }

  void FailSomeWrite() {
    struct Kind {
      FaultKind kind;
      const char* name;
    };
    const Kind kinds[] = {{FaultKind::kError, "write failed: EIO"},
                          {FaultKind::kNoSpace, "write failed: ENOSPC"},
                          {FaultKind::kShortWrite, "write failed: short"}};
    const Kind& kind = kinds[world_.Below(3)];
    failure_ = kind.name;
    // What a failed sync should have written is in the page cache, and nowhere else.
    power_goes_ = world_.OneIn(2);
    disk().Order(
        {.nth = 1 + world_.Below(6), .calls = power_goes_ ? kIoSync : kIoWrite, .kind = kind.kind});
  }

  // Now and then something is late.
  void Disturb() {
    if (world_.calm) return;
    world_.agenda.After(world_.Wait(5, 40), [this] {
      if (world_.server != nullptr && !world_.calm) DisturbOnce(*world_.server);
      Disturb();
    });
  }

  void DisturbOnce(SimServer& server) {
    struct Lateness {
      SimServer::Thread thread;
      const char* name;
    };
    const Lateness late[] = {
        {SimServer::kIo0, "I/O thread late"},       {SimServer::kIo1, "I/O thread late"},
        {SimServer::kReads, "read late"},           {SimServer::kWriter, "writer late"},
        {SimServer::kRelay, "relay late"},          {SimServer::kReplays, "replays late"},
        {SimServer::kBackground, "background late"}};
    const std::uint64_t draw = world_.Below(20);
    if (draw < 9) {
      const Lateness& who = late[std::min<std::uint64_t>(draw, std::size(late) - 1)];
      world_.findings.Fault(who.name);
      server.Delay(who.thread, world_.Wait(2, 60));
    } else if (draw < 12) {
      server.FillSink(world_.Below(SimServer::kSinks), world_.Wait(2, 80));
    } else if (draw == 12) {
      world_.findings.Fault("clock set forward");
      world_.clock.Set(world_.Wait(1, 150));
    } else if (draw == 13 && world_.OneIn(2)) {
      Flush(server);
    } else if (draw == 14) {
      server.RunBackground();
    } else if (draw == 15 && world_.OneIn(4) && !server.failed()) {
      Compare();
    }
  }

  void Flush(SimServer& server) {
    world_.findings.Event("families flushed");
    Database& database = server.store().database();
    const auto family = static_cast<Family>(world_.Below(kFamilies));
    // Where it fails, the store notices.
    (void)database.rocks().Flush(rocksdb::FlushOptions(), database.handle(family));
    world_.env.RunCompactions();
  }

  // --- How it ends.

  void Calm() {
    world_.calm = true;
    disk().Heal();
    const Timestamp until = world_.agenda.now() + kCalmMax;
    // Once more when the rest has brought something: a subscription that was under way.
    do {
      while (good() && !Settled()) {
        if (world_.agenda.now() > until) return Violate("unsettled", Unsettled());
        for (int i = 0; i < 20 && good(); ++i) Step();
      }
      const Timestamp rest = world_.agenda.now() + kAtRest;
      while (good() && world_.agenda.now() < rest) Step();
    } while (good() && !Settled());
  }

  [[nodiscard]] bool Settled() const {
    return world_.server != nullptr && world_.deliveries.undelivered() == 0 &&
           world_.deliveries.controls().PausedClients().empty() &&
           world_.deliveries.replays().Going().empty() &&
           std::all_of(clients_.begin(), clients_.end(),
                       [](const auto& c) { return c->welcome(); }) &&
           std::none_of(publishers_.begin(), publishers_.end(),
                        [](const auto& p) { return p->waits(); });
  }

  [[nodiscard]] std::string Unsettled() const {
    std::string what = std::to_string(world_.deliveries.undelivered()) + " owed";
    const NaiveLedger& record = world_.deliveries.record();
    for (const auto& [key, subscription] : record.subscriptions()) {
      for (const std::uint64_t seq : record.Undelivered(key)) {
        what += ", " + key.first + ' ' + std::to_string(key.second) + ':' + std::to_string(seq);
      }
    }
    for (const std::uint64_t replay : world_.deliveries.replays().Going()) {
      what += ", replay " + std::to_string(replay);
    }
    for (const auto& client : clients_) what += client->welcome() ? "" : ", a client waits";
    for (const auto& each : publishers_) what += each->waits() ? ", a publisher waits" : "";
    return what;
  }

  void CheckTheEnd() {
    for (std::size_t i = 0; i < SimServer::kSinks; ++i) world_.log.CheckAllOffered(i);
    for (std::size_t i = 0; i < SimServer::kHubs; ++i) {
      for (const auto& session : world_.server->hub(i).sessions()) {
        if (session->open()) CheckSession(*session);
      }
    }
    Compare();
    CheckMetrics();
  }

  // What a scrape says, and a full count of what is on record.
  void CheckMetrics() {
    SimServer& server = *world_.server;
    OnlineScan scan;
    for (std::size_t i = 0; i < SimServer::kHubs; ++i) Collect(server.hub(i), scan);
    const Metrics::Gauges gauges = GaugeReader(server.store(), world_.clock).Read(scan, {});
    std::uint64_t parked = 0;
    for (const auto& [key, subscription] : world_.deliveries.record().subscriptions()) {
      parked += subscription.parked.size();
    }
    const auto check = [this](const std::string& name, std::uint64_t said, std::uint64_t counted) {
      world_.metrics.Check(name, said, counted);
    };
    check("parked", gauges.parked, parked);
    check("undelivered, online", gauges.undelivered_online, world_.deliveries.undelivered());
    check("undelivered, offline", gauges.undelivered_offline, 0);
    check("blocked subscriptions", gauges.blocked_subscriptions, 0);
    check("sessions", gauges.websocket_sessions, clients_.size());
    check("last position", gauges.log_last_position, world_.log.messages());
    const std::string scrape = server.metrics().Scrape(gauges);
    const std::string name = "\nackwire_replay_deliveries_total ";
    const auto at = scrape.find(name);
    const std::uint64_t replayed =
        at == std::string::npos ? 0 : std::stoull(scrape.substr(at + name.size()));
    check("replayed", replayed, world_.deliveries.replays().sent_in_life());
    world_.metrics.CheckCounters(scrape);
  }

  // What it knows of a client for which nothing is left to be done.
  void CheckSession(Session& session) {
    const ClientLedger& ledger = session.ledger();
    if (ledger.undelivered() != 0 || ledger.sent().in_flight() != 0) {
      Violate("unsettled", session.client() + " is owed " + std::to_string(ledger.undelivered()) +
                               ", " + std::to_string(ledger.sent().in_flight()) + " in flight");
    }
    for (const auto& [channel, feed] : ledger.feeds()) {
      const auto& on_record =
          world_.deliveries.record().subscriptions().at({session.client(), channel.value});
      if (feed.entry().parked() == on_record.parked.size()) continue;
      Violate("parked", session.client() + " has " + std::to_string(on_record.parked.size()) +
                            " parked in " + feed.name() + ", and its session counts " +
                            std::to_string(feed.entry().parked()));
    }
  }

  void StopAndStart() {
    world_.findings.Event("clean stops");
    world_.server->Stop();
    Close();
    Start();
  }

  World world_;
  SimOperator operator_;
  SimReplayer replayer_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<SimPublisher>> publishers_;
  std::uint64_t steps_ = 0;
  std::uint64_t lives_ = 0;
  int boot_ = 0;
  const char* failure_ = "write failed: EIO";
  bool power_goes_ = false;  // with the fall that is to come
};

}  // namespace

Findings RunSimulation(std::uint64_t seed, Trace trace) {
  try {
    return Run(seed, trace).Go();
  } catch (const std::exception& error) {
    Findings findings;
    findings.Violate("exception", error.what());
    return findings;
  }
}

}  // namespace ackwire
