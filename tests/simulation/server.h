// SimServer is one life of a server as `ackwired` links it, from the start of its process to its
// end: store, relay, two I/O threads with hub and directory, a pool for reads, and the runner of
// replays. Its threads take a step when the simulation lets them, in any order that threads might.
//
// Lifetime: the destructor is a kill: what is under way is dropped.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "delivery/client_homes.h"
#include "delivery/hub.h"
#include "delivery/metrics.h"
#include "delivery/replay_runner.h"
#include "outbox/relay.h"
#include "store/store.h"
#include "tests/simulation/sim_loop.h"
#include "tests/simulation/world.h"

namespace ackwire {

class SimSocket;

class SimServer {
 public:
  enum Thread { kIo0, kIo1, kReads, kWriter, kRelay, kBackground, kReplays };
  static constexpr std::size_t kThreads = 7;
  static constexpr std::size_t kHubs = 2;
  static constexpr std::size_t kSinks = kHubs + 1;  // and the replays' runner

  // Opens the store on the world's disk. It takes no work yet.
  [[nodiscard]] static StatusOr<std::unique_ptr<SimServer>> Open(World& world,
                                                                 const std::string& boot_id);
  [[nodiscard]] Status Start();
  // Nothing more of it reaches anybody.
  ~SimServer();
  // The store ends in order; the rest as in a kill.
  void Stop() { store_->StopByHand(); }

  // One thread that has something to do takes a step; false when none has.
  bool Step();
  // Until then the thread does nothing, or the sink takes nothing.
  void Delay(Thread thread, Duration wait);
  void RunBackground() { background_ready_ = true; }
  void FillSink(std::size_t sink, Duration wait);

  // A client connects.
  void Accept(const std::shared_ptr<SimSocket>& socket, std::size_t hub);
  void Submit(Work&& work);
  // Runs a job that blocks on disk.
  void Read(std::function<void()> job) { reads_.push_back(std::move(job)); }

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] ClientHomes& homes() { return homes_; }
  [[nodiscard]] SimLoop& loop(std::size_t hub) { return loops_[hub]; }
  [[nodiscard]] Hub& hub(std::size_t index) { return *hubs_[index]; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }
  [[nodiscard]] Relay& relay() { return *relay_; }

 private:
  // A sink's place at the relay: full now and then.
  class Intake final : public Sink {
   public:
    Intake(SimServer& server, Sink& sink, std::size_t index)
        : server_(server), sink_(sink), index_(index) {}
    [[nodiscard]] Offered Offer(const SharedGroup& group) override;
    Timestamp full_until{};

   private:
    SimServer& server_;
    Sink& sink_;
    const std::size_t index_;
  };

  SimServer(World& world, std::unique_ptr<Store> store);
  [[nodiscard]] bool IsReady(Thread thread) const;
  void Run(Thread thread);
  void RunRead();
  void StepRelay();
  void StepReplays();
  void NoteStops(const CommittedGroup& group);
  void WakeEverySecond();

  World& world_;
  const Policies policies_{world_.policy};
  std::unique_ptr<Store> store_;
  Metrics metrics_;
  std::array<SimLoop, kHubs> loops_;
  ClientHomes homes_;
  std::vector<std::unique_ptr<ClientDirectory>> directories_;
  std::vector<std::unique_ptr<Hub>> hubs_;
  std::optional<ReplayRunner> replays_;
  std::vector<std::unique_ptr<Intake>> intakes_;
  std::unique_ptr<OutboxRows> rows_;
  std::unique_ptr<Relay> relay_;
  std::deque<std::function<void()>> reads_;
  std::vector<std::shared_ptr<SimSocket>> sockets_;
  std::array<Timestamp, kThreads> late_until_{};
  bool writer_ready_ = true;
  bool relay_ready_ = true;
  bool background_ready_ = false;
  bool replays_ready_ = true;
  // Pauses and ends of replays that the runner was offered, and has not acted on yet.
  std::vector<std::pair<std::uint64_t, EventId>> stops_;
  bool failed_ = false;  // its process is about to end
  std::optional<Agenda::Place> tick_;
  std::optional<Agenda::Place> replays_tick_;
};

}  // namespace ackwire
