// Agenda is the time of a simulation and what is to happen in it: jobs, each at its time, in order.
// Nothing else makes time pass.
//
// Threads: one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "store/clock.h"

namespace ackwire {

class Agenda {
 public:
  using Job = std::function<void()>;
  using Place = std::pair<Timestamp, std::uint64_t>;

  // What is to happen at the same time happens in the order of the calls.
  Place After(Duration wait, Job job) {
    const Place place{now_ + std::max(wait, Duration(0)), ++added_};
    jobs_.emplace(place, std::move(job));
    return place;
  }
  // Nothing when it has happened.
  void Cancel(const Place& place) { jobs_.erase(place); }

  // The time of the next job.
  [[nodiscard]] std::optional<Timestamp> next() const {
    if (jobs_.empty()) return std::nullopt;
    return jobs_.begin()->first.first;
  }
  // Runs the next job if its time has come.
  bool RunDue() {
    if (jobs_.empty() || jobs_.begin()->first.first > now_) return false;
    const Job job = std::move(jobs_.begin()->second);
    jobs_.erase(jobs_.begin());
    job();
    return true;
  }
  void PassTo(Timestamp time) { now_ = std::max(now_, time); }

  [[nodiscard]] Timestamp now() const { return now_; }

 private:
  Timestamp now_ = FromUnixMs(1'795'305'600'000);
  std::uint64_t added_ = 0;
  std::map<Place, Job> jobs_;
};

// A server's clock: the agenda's time, and how far it is set wrong.
//
// Threads: any; the agenda's owner, while others wait for it.
class SetClock final : public Clock {
 public:
  explicit SetClock(const Agenda& agenda) : agenda_(agenda) {}

  [[nodiscard]] Timestamp Now() const override { return agenda_.now() + ahead_; }
  void Set(Duration by) { ahead_ += by; }

 private:
  const Agenda& agenda_;
  Duration ahead_{0};
};

}  // namespace ackwire
