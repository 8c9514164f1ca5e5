#include "delivery/replay_runner.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "delivery/replay_facts.h"
#include "delivery/replay_name.h"
#include "delivery/session.h"

namespace ackwire {

void ReplayRunner::Start() {
  StartByHand();
  thread_ = std::thread([this] { Run(); });
}

void ReplayRunner::StartByHand() {
  Post([this] {
    const auto all = deps_.store.derived().Read([](const DerivedView& view) {
      std::vector<ReplayId> ids;
      for (const auto& [id, replay] : view.replays.all()) ids.push_back(id);
      return ids;
    });
    for (const ReplayId id : all) OnControl(id);
  });
}

void ReplayRunner::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Offered ReplayRunner::Offer(const SharedGroup& group) {
  for (int i = 0; i < group->record.events_size(); ++i) {
    const store::Event& event = group->record.events(i);
    const bool concerns = event.has_session_opened() || event.has_session_closed() ||
                          event.has_unsubscribed() || event.abandoned().unparked_size() > 0 ||
                          event.has_replay_started() || event.has_replay_outcome() ||
                          event.has_replay_controlled();
    // A copy: the group has the commit's messages.
    if (concerns) Post([this, event] { OnEvent(event); });
  }
  return Offered::kTaken;
}

void ReplayRunner::Post(Job job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void ReplayRunner::Run() {
  bool more = false;
  for (;;) {
    std::vector<Job> jobs;
    {
      std::unique_lock lock(mutex_);
      const auto called = [this] { return stopping_ || !jobs_.empty(); };
      if (more) {
        wake_.wait_for(lock, kReplayStepInterval, [this] { return stopping_; });
      } else {
        wake_.wait(lock, called);
      }
      if (stopping_) return;
      jobs = std::exchange(jobs_, {});
    }
    more = RunJobs(jobs);
  }
}

bool ReplayRunner::StepByHand() {
  std::vector<Job> jobs;
  {
    std::lock_guard lock(mutex_);
    jobs = std::exchange(jobs_, {});
  }
  return RunJobs(jobs);
}

bool ReplayRunner::RunJobs(const std::vector<Job>& jobs) {
  for (const Job& job : jobs) job();
  return Step();
}

bool ReplayRunner::called() const {
  std::lock_guard lock(mutex_);
  return !jobs_.empty();
}

void ReplayRunner::OnEvent(const store::Event& event) {
  if (event.has_session_opened()) return OnPresence(event.client(), true);
  if (event.has_session_closed()) return OnPresence(event.client(), false);
  if (event.has_replay_started()) return OnControl({event.replay_started().replay()});
  if (event.has_replay_controlled()) return OnControl({event.replay_controlled().replay()});
  if (event.has_unsubscribed()) return EndGone(event.client(), {event.unsubscribed().channel()});
  if (event.has_abandoned()) return EndGone(event.client(), {event.abandoned().channel()});
  const store::ReplayOutcome& outcome = event.replay_outcome();
  const auto running = running_.find({outcome.replay()});
  if (running == running_.end()) return;
  for (const auto& run : outcome.runs()) {
    running->second.Return(event.client(), {outcome.channel()},
                           {Seq{run.first()}, Seq{run.last()}});
  }
}

// Without waiting for the client, who may never come.
void ReplayRunner::EndGone(const std::string& client, ChannelId channel) {
  for (const auto& [id, dispatch] : running_) {
    std::optional<Seq> from = Seq{1};
    while (from) from = EndSomeGone(id, client, {channel, *from});
  }
}

std::optional<Seq> ReplayRunner::EndSomeGone(ReplayId replay, const std::string& client,
                                             const DeliveryKey& from) {
  constexpr std::size_t kAtOnce = 10'000;
  std::optional<ReplayInfo> info;
  std::vector<DeliveryKey> keys;
  deps_.store.derived().Read([&](const DerivedView& view) {
    const auto open = view.replays.OpenOf(replay).find({client, from.channel});
    if (open == view.replays.OpenOf(replay).end()) return;
    info = *view.replays.Find(replay);
    for (const SeqRun& run : open->second.runs()) {
      for (Seq seq = std::max(run.first, from.seq); seq <= run.last && keys.size() < kAtOnce;
           ++seq.value) {
        keys.push_back({from.channel, seq});
      }
    }
  });
  if (!info || keys.empty()) return std::nullopt;
  StatusOr<ReplayTurn> turn = ReadTurn(deps_.store, *info, client, keys, deps_.clock.Now());
  if (!turn.ok()) {
    spdlog::error("replay {}: what {} is not owed any more cannot be read: {}", NameOf(replay),
                  client, MessageOf(turn.status()));
    return std::nullopt;
  }
  PutOnRecord(replay, client, std::move(turn->ended));
  if (keys.size() < kAtOnce) return std::nullopt;
  return Seq{keys.back().seq.value + 1};
}

void ReplayRunner::PutOnRecord(ReplayId replay, const std::string& client,
                               std::vector<store::Event> events) {
  if (events.empty()) return;
  JournalWork work;
  work.events = std::move(events);
  work.done = [this, replay, client](const auto& recorded) {
    if (!recorded.ok()) HandBack(replay, client);
  };
  deps_.store.Submit(std::move(work));
}

void ReplayRunner::OnPresence(const std::string& client, bool online) {
  {
    std::lock_guard lock(mutex_);
    if (online) {
      online_.insert(client);
    } else {
      online_.erase(client);
    }
  }
  for (auto& [id, dispatch] : running_) {
    if (online) {
      dispatch.Online(client);
    } else {
      dispatch.Offline(client);
    }
  }
}

void ReplayRunner::OnControl(ReplayId replay) {
  const auto info = deps_.store.derived().Read([replay](const DerivedView& view) {
    const ReplayInfo* found = view.replays.Find(replay);
    return found == nullptr ? std::nullopt : std::optional(*found);
  });
  if (!info) return;
  const auto running = running_.find(replay);
  if (info->ended_at || info->paused) {
    if (running == running_.end()) return;
    Withdraw(replay, running->second);
    running_.erase(running);
    return;
  }
  ReplayDispatch& dispatch = running_[replay];
  dispatch.SetRate(info->rate_per_second);
  if (running != running_.end()) return;
  std::lock_guard lock(mutex_);
  for (const std::string& client : online_) dispatch.Online(client);
}

bool ReplayRunner::GoesOn(ReplayId replay) const {
  return deps_.store.derived().Read([replay](const DerivedView& view) {
    const ReplayInfo* info = view.replays.Find(replay);
    return info != nullptr && !info->ended_at && !info->paused;
  });
}

// Paused and resumed before this thread heard of either, it goes on as if nothing had been.
void ReplayRunner::Return(ReplayId replay, const std::string& client,
                          const std::vector<ReplayDelivery>& deliveries) {
  Post([this, replay, client, deliveries] {
    const auto running = running_.find(replay);
    if (running == running_.end()) return;
    for (const ReplayDelivery& each : deliveries) {
      running->second.Return(client, each.key.channel, {each.key.seq, each.key.seq});
    }
  });
}

// What is in flight stays so: its outcome counts if the replay goes on.
void ReplayRunner::Withdraw(ReplayId replay, const ReplayDispatch& dispatch) {
  for (const std::string& client : dispatch.ClientsHandedTo()) {
    deps_.homes.AskSession(client, [replay](Session* session) {
      if (session != nullptr) (void)session->WithdrawReplay(replay);
    });
  }
}

bool ReplayRunner::Step() {
  const Timestamp now = deps_.clock.Now();
  bool more = false;
  std::map<ReplayId, DeliveryServer::ReplayActivity> activity;
  for (auto at = running_.begin(); at != running_.end();) {
    auto& [id, dispatch] = *at;
    std::optional<ReplayInfo> info;
    const auto batches = deps_.store.derived().Read([&](const DerivedView& view) {
      info = *view.replays.Find(id);
      return dispatch.Next(view.replays.OpenOf(id), now);
    });
    // It may have been cancelled, and the news of it are still to come.
    if (info->ended_at) {
      Withdraw(id, dispatch);
      at = running_.erase(at);
      continue;
    }
    for (const ReplayDispatch::Batch& batch : batches) HandOver(*info, batch);
    more = more || !dispatch.idle();
    activity[id] = {.with_clients = dispatch.handed(),
                    .waiting = dispatch.idle() && dispatch.handed() == 0};
    ++at;
  }
  std::lock_guard lock(mutex_);
  activity_ = std::move(activity);
  return more;
}

void ReplayRunner::HandOver(const ReplayInfo& replay, const ReplayDispatch::Batch& batch) {
  StatusOr<ReplayTurn> turn =
      ReadTurn(deps_.store, replay, batch.client, batch.keys, deps_.clock.Now());
  if (!turn.ok()) {
    spdlog::error("replay {}: what {} is to be sent again cannot be read: {}", NameOf(replay.id),
                  batch.client, MessageOf(turn.status()));
    running_.at(replay.id).Offline(batch.client);  // until it connects anew
    return;
  }
  PutOnRecord(replay.id, batch.client, std::move(turn->ended));
  if (turn->deliver.empty()) return;
  deps_.homes.AskSession(batch.client, [this, id = replay.id, client = batch.client,
                                        deliver = std::move(turn->deliver)](Session* session) {
    if (session != nullptr && GoesOn(id)) return session->Replay(deliver);
    if (session != nullptr) return Return(id, client, deliver);
    // A server that was killed left it connected on record.
    Post([this, client] { OnPresence(client, false); });
  });
}

void ReplayRunner::HandBack(ReplayId replay, const std::string& client) {
  Post([this, replay, client] {
    const auto running = running_.find(replay);
    if (running != running_.end()) running->second.Offline(client);
  });
}

DeliveryServer::ReplayActivity ReplayRunner::ActivityOf(ReplayId replay) const {
  std::set<std::string> online;
  DeliveryServer::ReplayActivity activity;
  {
    std::lock_guard lock(mutex_);
    const auto found = activity_.find(replay);
    if (found == activity_.end()) return activity;
    activity = found->second;
    online = online_;
  }
  deps_.store.derived().Read([&](const DerivedView& view) {
    for (const auto& [pair, seqs] : view.replays.OpenOf(replay)) {
      if (!online.contains(pair.first)) activity.offline += seqs.count();
    }
  });
  return activity;
}

}  // namespace ackwire
