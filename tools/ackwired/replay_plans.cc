#include "tools/ackwired/replay_plans.h"

#include <algorithm>
#include <utility>

#include "store/message_id.h"
#include "store/proto_time.h"

namespace ackwire {

std::shared_ptr<const PlannedReplay> ReplayPlans::Keep(PlannedReplay planned) {
  std::lock_guard lock(mutex_);
  MakeRoom(planned.runs);
  Entry& entry = entries_.emplace_back();
  entry.token = "p-" + MakeRandomHex(rng_);
  entry.expires_at = clock_.Now() + kPlanValid;
  entry.runs = planned.runs;
  planned.plan.set_plan(entry.token);
  SetTime(*planned.plan.mutable_expires_at(), entry.expires_at);
  entry.planned = std::make_shared<const PlannedReplay>(std::move(planned));
  return entry.planned;
}

void ReplayPlans::MakeRoom(std::size_t runs) {
  const Timestamp now = clock_.Now();
  std::size_t kept = runs;
  for (const Entry& entry : entries_) kept += entry.runs;
  while (!entries_.empty() && (entries_.front().expires_at <= now || entries_.size() >= kPlansMax ||
                               kept > kPlanRunsMax)) {
    Entry& oldest = entries_.front();
    kept -= oldest.runs;
    if (oldest.expires_at > now) gave_way_.push_back({std::move(oldest.token), oldest.expires_at});
    entries_.pop_front();
  }
  while (!gave_way_.empty() &&
         (gave_way_.front().expires_at <= now || gave_way_.size() > kGaveWayMax)) {
    gave_way_.pop_front();
  }
}

ReplayPlans::Entry* ReplayPlans::Find(const std::string& token) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&token](const Entry& each) { return each.token == token; });
  return found == entries_.end() || found->expires_at <= clock_.Now() ? nullptr : &*found;
}

Status ReplayPlans::NotThere(const std::string& token) const {
  const auto gave_way = std::find_if(gave_way_.begin(), gave_way_.end(), [&](const GaveWay& each) {
    return each.token == token && each.expires_at > clock_.Now();
  });
  const std::string why =
      gave_way == gave_way_.end()
          ? "there is no plan " + token + "; plans hold for an hour, and not beyond a restart"
          : token + " gave way to newer plans, of which at most " + std::to_string(kPlansMax) +
                ", and " + std::to_string(kPlanRunsMax) + " runs of deliveries in all, are kept";
  return Error(StatusCode::kNotFound, "plan: " + why +
                                          ". If it was started, it goes on: `ackctl replay list`; "
                                          "else plan it again");
}

StatusOr<ReplayPlans::Taken> ReplayPlans::Take(const std::string& token) {
  std::lock_guard lock(mutex_);
  Entry* entry = Find(token);
  if (entry == nullptr) return NotThere(token);
  if (entry->replay.value != 0) return Taken{nullptr, entry->replay};
  if (std::exchange(entry->taken, true)) {
    return Error(StatusCode::kAborted, "plan: " + token + " is being started already");
  }
  return Taken{entry->planned, {}};
}

void ReplayPlans::Started(const std::string& token, ReplayId replay) {
  std::lock_guard lock(mutex_);
  Entry* entry = Find(token);
  if (entry == nullptr) return;
  entry->taken = replay.value != 0;
  entry->replay = replay;
  if (replay.value == 0) return;
  entry->planned.reset();
  entry->runs = 0;
}

}  // namespace ackwire
