#include "tests/simulation/server.h"

#include <algorithm>
#include <utility>

#include "store/outbox_rows.h"
#include "tests/simulation/socket.h"

namespace ackwire {

StatusOr<std::unique_ptr<SimServer>> SimServer::Open(World& world, const std::string& boot_id) {
  StatusOr<std::unique_ptr<Store>> store = Store::Open({.directory = "/data",
                                                        .clock = world.clock,
                                                        .seed = world.rng.Next(),
                                                        .boot_id = boot_id,
                                                        .env = &world.env});
  if (!store.ok()) return store.status();
  return std::unique_ptr<SimServer>(new SimServer(world, *std::move(store)));
}

SimServer::SimServer(World& world, std::unique_ptr<Store> store)
    : world_(world),
      store_(std::move(store)),
      loops_{SimLoop(world.agenda), SimLoop(world.agenda)} {
  const auto read = [this](std::function<void()> job) { reads_.push_back(std::move(job)); };
  for (std::size_t i = 0; i < kHubs; ++i) {
    directories_.push_back(std::make_unique<ClientDirectory>(ClientDirectory::Dependencies{
        .store = *store_,
        .clock = world_.clock,
        .metrics = metrics_,
        .resume_within = world_.session_policy.resume_within,
        .post = [&loop = loops_[i]](std::function<void()> job) { loop.Post(std::move(job)); },
        .read = read}));
    homes_.Add(*directories_.back());
    hubs_.push_back(
        std::make_unique<Hub>(loops_[i], Hub::Dependencies{.store = *store_,
                                                           .clock = world_.clock,
                                                           .metrics = metrics_,
                                                           .policies = policies_,
                                                           .session_policy = world_.session_policy,
                                                           .homes = homes_,
                                                           .read = read,
                                                           .seed = world_.rng.Next()}));
    hubs_.back()->Start([this] { relay_ready_ = true; });
    intakes_.push_back(std::make_unique<Intake>(*this, *hubs_.back(), i));
  }
  replays_.emplace(ReplayRunner::Dependencies{*store_, world_.clock, homes_});
  intakes_.push_back(std::make_unique<Intake>(*this, *replays_, kHubs));
}

Status SimServer::Start() {
  store_->StartByHand({.committed =
                           [this](const SharedGroup& group) {
                             world_.log.Committed(*group);
                             world_.deliveries.Committed(*group);
                             world_.metrics.Committed(*group);
                             relay_->Committed(group);
                             relay_ready_ = true;
                           },
                       .failed = [this](const Status&) { failed_ = true; }});
  rows_ = std::make_unique<OutboxRows>(store_->database(), store_->log());
  relay_ = std::make_unique<Relay>(*rows_, world_.clock);
  world_.log.BeginLife();
  world_.metrics.BeginLife();
  std::vector<Sink*> sinks;
  for (const auto& intake : intakes_) sinks.push_back(intake.get());
  WakeEverySecond();
  replays_->StartByHand();
  return relay_->Load(sinks);
}

SimServer::~SimServer() {
  if (tick_) world_.agenda.Cancel(*tick_);
  if (replays_tick_) world_.agenda.Cancel(*replays_tick_);
  // Sessions hold themselves while something is under way for them.
  for (const auto& socket : sockets_) socket->Lose();
  for (SimLoop& loop : loops_) loop.Clear();
  reads_.clear();
}

void SimServer::WakeEverySecond() {
  constexpr Duration kSecond{1000};
  tick_ = world_.agenda.After(kSecond, [this] {
    relay_ready_ = background_ready_ = true;
    WakeEverySecond();
  });
}

void SimServer::Delay(Thread thread, Duration wait) {
  late_until_[thread] = world_.agenda.now() + wait;
  world_.agenda.After(wait, [] {});  // time passes at least so far
}

void SimServer::FillSink(std::size_t sink, Duration wait) {
  intakes_[sink]->full_until = world_.agenda.now() + wait;
}

Offered SimServer::Intake::Offer(const SharedGroup& group) {
  World& world = server_.world_;
  if (full_until > world.agenda.now()) {
    world.findings.Fault("sink full");
    world.agenda.After(full_until - world.agenda.now(), [&world] {
      if (world.server != nullptr) world.server->relay_ready_ = true;
    });
    return Offered::kFull;
  }
  const Offered offered = sink_.Offer(group);
  if (offered != Offered::kTaken) return offered;
  world.log.Offered(index_, *group);
  if (index_ == kHubs) server_.NoteStops(*group);
  return offered;
}

void SimServer::Submit(Work&& work) {
  store_->Submit(std::move(work));
  writer_ready_ = true;
}

void SimServer::Accept(const std::shared_ptr<SimSocket>& socket, std::size_t hub) {
  sockets_.push_back(socket);
  loops_[hub].Post([this, socket, hub] { socket->Open(*hubs_[hub], loops_[hub]); });
}

bool SimServer::IsReady(Thread thread) const {
  if (late_until_[thread] > world_.agenda.now()) return false;
  switch (thread) {
    case kIo0:
    case kIo1:
      return !loops_[thread].empty();
    case kReads:
      return !reads_.empty();
    case kWriter:
      return writer_ready_;
    case kRelay:
      return relay_ready_;
    case kBackground:
      return background_ready_;
    case kReplays:
      return replays_ready_ || replays_->called();
  }
  return false;
}

bool SimServer::Step() {
  std::array<Thread, kThreads> ready{};
  std::size_t count = 0;
  for (const Thread thread : {kIo0, kIo1, kReads, kWriter, kRelay, kBackground, kReplays}) {
    if (IsReady(thread)) ready[count++] = thread;
  }
  if (count == 0) return false;
  Run(ready[world_.Below(count)]);
  return true;
}

void SimServer::Run(Thread thread) {
  switch (thread) {
    case kIo0:
    case kIo1:
      loops_[thread].RunOne();
      writer_ready_ = true;
      return;
    case kReads:
      RunRead();
      writer_ready_ = true;
      return;
    case kWriter:
      writer_ready_ = store_->WriterStep();
      return world_.log.AfterStep();
    case kRelay:
      return StepRelay();
    case kBackground:
      background_ready_ = false;
      world_.findings.Event("derived rows written");
      return store_->BackgroundStep();
    case kReplays:
      return StepReplays();
  }
}

void SimServer::RunRead() {
  // There are two threads: the second job may be done before the first.
  const bool second = reads_.size() > 1 && world_.OneIn(3);
  if (second) world_.findings.Fault("reads out of order");
  const auto at = reads_.begin() + (second ? 1 : 0);
  const std::function<void()> job = std::move(*at);
  reads_.erase(at);
  job();
}

void SimServer::StepRelay() {
  relay_ready_ = false;
  const Status status = relay_->Step({.checkpoint_now = world_.OneIn(4)});
  if (!status.ok()) failed_ = true;
}

void SimServer::NoteStops(const CommittedGroup& group) {
  for (int i = 0; i < group.record.events_size(); ++i) {
    const store::ReplayControlled& controlled = group.record.events(i).replay_controlled();
    const bool stops = controlled.action() == v1::ControlReplayRequest::PAUSE ||
                       controlled.action() == v1::ControlReplayRequest::CANCEL;
    if (!stops) continue;
    stops_.emplace_back(controlled.replay(),
                        EventId::Of(group.number, static_cast<std::uint64_t>(i)));
  }
}

void SimServer::StepReplays() {
  replays_ready_ = false;
  if (replays_tick_) world_.agenda.Cancel(*replays_tick_);
  replays_tick_.reset();
  const bool more = replays_->StepByHand();
  writer_ready_ = true;
  // Whoever asks behind the runner comes to each session after it.
  for (const auto& [replay, control] : std::exchange(stops_, {})) {
    for (const std::string& client : world_.clients) {
      homes_.AskSession(client, [this, client, replay = replay, control = control](Session*) {
        world_.deliveries.replays().Stopped(replay, client, control);
      });
    }
  }
  if (!more) return;
  replays_tick_ = world_.agenda.After(kReplayStepInterval, [this] {
    replays_tick_.reset();
    replays_ready_ = true;
  });
}

}  // namespace ackwire
