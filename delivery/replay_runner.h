// ReplayRunner carries replays out: it follows what is committed, hands what is open of each over
// to the sessions of connected clients, and goes on after a start where it was. What became of a
// delivery is put on record by its session, or here where it is not to be delivered any more.
//
// Threads:  its own, which blocks on disk; Offer by the relay's; ActivityOf any.
// Lifetime: borrows all it is given; Stop before the sessions' threads end.
// Bounds:   what is handed over (delivery/replay_dispatch.h), and the names of connected clients.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "delivery/client_homes.h"
#include "delivery/delivery_server.h"
#include "delivery/replay_dispatch.h"
#include "outbox/sink.h"
#include "store/clock.h"
#include "store/store.h"

namespace ackwire {

// How often deliveries are handed over while there are some.
inline constexpr Duration kReplayStepInterval{10};

class ReplayRunner final : public Sink {
 public:
  struct Dependencies {
    Store& store;
    const Clock& clock;
    ClientHomes& homes;
  };
  explicit ReplayRunner(const Dependencies& dependencies) : deps_(dependencies) {}
  ~ReplayRunner() override { Stop(); }
  ReplayRunner(const ReplayRunner&) = delete;
  ReplayRunner& operator=(const ReplayRunner&) = delete;

  // Goes on with the replays that have not ended.
  void Start();
  void Stop();

  // The same without a thread: whoever calls StepByHand is it. Returns whether there is more to do
  // kReplayStepInterval later.
  void StartByHand();
  [[nodiscard]] bool StepByHand();
  // Something has happened since the last step.
  [[nodiscard]] bool called() const;

  [[nodiscard]] Offered Offer(const SharedGroup& group) override;

  [[nodiscard]] DeliveryServer::ReplayActivity ActivityOf(ReplayId replay) const;

 private:
  using Job = std::function<void()>;

  void Post(Job job);
  void Run();
  [[nodiscard]] bool RunJobs(const std::vector<Job>& jobs);
  // On this thread, all of these.
  void OnEvent(const store::Event& event);
  void OnPresence(const std::string& client, bool online);
  // Of what is open to it, ends what is not to be delivered any more.
  void EndGone(const std::string& client, ChannelId channel);
  // Looks at some from a seq on, and returns from where to go on; none: it has seen all.
  [[nodiscard]] std::optional<Seq> EndSomeGone(ReplayId replay, const std::string& client,
                                               const DeliveryKey& from);
  void PutOnRecord(ReplayId replay, const std::string& client, std::vector<store::Event> events);
  // It was started, paused, cancelled, …: what it is now stands in the derived state.
  void OnControl(ReplayId replay);
  void Withdraw(ReplayId replay, const ReplayDispatch& dispatch);
  // From any thread. What was read before a pause may come to a session behind it.
  [[nodiscard]] bool GoesOn(ReplayId replay) const;
  // Hands over what is due. Returns whether more may be due soon.
  bool Step();
  // From any thread: the client takes nothing now.
  void HandBack(ReplayId replay, const std::string& client);
  // The same of some deliveries.
  void Return(ReplayId replay, const std::string& client,
              const std::vector<ReplayDelivery>& deliveries);
  void HandOver(const ReplayInfo& replay, const ReplayDispatch::Batch& batch);

  const Dependencies deps_;
  std::map<ReplayId, ReplayDispatch> running_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::vector<Job> jobs_;
  std::set<std::string> online_;
  std::map<ReplayId, DeliveryServer::ReplayActivity> activity_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ackwire
