// SimLoop is an I/O thread of a simulated server: its jobs wait in order until the simulation lets
// it run the next one, and its timers follow the agenda.
//
// Lifetime: borrows the agenda. What waits when it is cleared never runs, as in a process that is
//           killed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "delivery/io_loop.h"
#include "tests/simulation/agenda.h"

namespace ackwire {

class SimLoop final : public IoLoop {
 public:
  using Job = std::function<void()>;

  explicit SimLoop(Agenda& agenda) : agenda_(agenda) {}

  void Post(Job job) override { jobs_.push_back(std::move(job)); }
  [[nodiscard]] std::unique_ptr<WakeTimer> MakeTimer() override {
    return std::make_unique<Timer>(*this);
  }

  [[nodiscard]] bool empty() const { return jobs_.empty(); }
  // REQUIRES: it is not empty.
  void RunOne() {
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
  }
  void Clear() { std::exchange(jobs_, {}).clear(); }

 private:
  // Once it has rung, the job waits like any other: arming the timer anew takes it not back.
  class Timer final : public WakeTimer {
   public:
    explicit Timer(SimLoop& loop) : loop_(loop) {}
    ~Timer() override { Cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void Arm(Duration after, Job job) override {
      Cancel();
      rings_ = loop_.agenda_.After(after, [this, job = std::move(job)]() mutable {
        rings_.reset();
        loop_.Post(std::move(job));
      });
    }
    void Cancel() override {
      if (rings_) loop_.agenda_.Cancel(*rings_);
      rings_.reset();
    }

   private:
    SimLoop& loop_;
    std::optional<Agenda::Place> rings_;
  };

  Agenda& agenda_;
  std::deque<Job> jobs_;
};

}  // namespace ackwire
