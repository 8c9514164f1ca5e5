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
  std::size_t kept = runs;
  for (const Entry& entry : entries_) kept += entry.runs;
  while (!entries_.empty() && (entries_.front().expires_at <= clock_.Now() ||
                               entries_.size() >= kPlansMax || kept > kPlanRunsMax)) {
    kept -= entries_.front().runs;
    entries_.pop_front();
  }
}

ReplayPlans::Entry* ReplayPlans::Find(const std::string& token) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&token](const Entry& each) { return each.token == token; });
  return found == entries_.end() || found->expires_at <= clock_.Now() ? nullptr : &*found;
}

StatusOr<ReplayPlans::Taken> ReplayPlans::Take(const std::string& token) {
  std::lock_guard lock(mutex_);
  Entry* entry = Find(token);
  if (entry == nullptr) {
    return Error(
        StatusCode::kNotFound,
        "plan: there is no plan " + token +
            "; plans hold for an hour, and not beyond a restart. If it was started, it goes on: "
            "`ackctl replay list`; else plan it again");
  }
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
