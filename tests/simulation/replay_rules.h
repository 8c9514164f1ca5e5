// ReplayRules is what the contract says of replays, as naively as it can be said.
//
// - A plan is what the record says, and a replay pins what was planned.
// - What is sent with a replay was pinned by it, is left of it, was not acknowledged or dismissed
//   since it began, and is settled: what is owed comes without a replay.
// - A replay that is paused or cancelled sends nothing more once it was taken back from the
//   client's session.
// - What becomes of a delivery is for a reason that there was.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ackwire/v1/deliveries.pb.h"
#include "store/records.pb.h"
#include "store/types.h"
#include "tests/faults/naive_ledger.h"
#include "tests/simulation/findings.h"

namespace ackwire {

class ReplayRules {
 public:
  using Key = NaiveLedger::SubscriptionKey;  // client, channel
  using Delivery = NaiveLedger::DeliveryKey;
  using Deliveries = std::set<Delivery>;

  ReplayRules(const NaiveLedger& record, Findings& findings)
      : record_(record), findings_(findings) {}

  // Somebody has planned it now; somebody is about to start it.
  void CheckPlan(const v1::ReplaySelection& selection, const Deliveries& planned, Timestamp now);
  struct Planned {
    Deliveries deliveries;
    std::uint64_t at = 0;  // the number of the last record then
  };
  void AsksStart(const Planned& planned) { starts_asked_.push_back(planned); }

  // A client acknowledged it, perhaps by a number that is forgotten; refused it for good.
  enum class Sure { kYes, kPerhaps };
  void Acked(const Delivery& delivery, Sure sure);
  void Rejected(const Delivery& delivery) { rejected_at_[delivery] = number_; }

  // Before the record has it; once it has all of one.
  void CheckEvent(const store::Event& event, EventId id);
  void EndRecord(const store::JournalRecord& record);
  // A life begins. What is not on record is forgotten.
  void BeginLife();

  // A session sends it, by the name of the replay; returns the replay's id.
  std::uint64_t CheckSends(const std::string& name, const Delivery& delivery);
  // An acknowledgement of it is confirmed.
  void CheckConfirmed(std::uint64_t replay, const Delivery& delivery);
  // The control, a pause or an end, has reached the session of the client, or it has none.
  void Stopped(std::uint64_t replay, const std::string& client, EventId control);

  // Of those that have not ended.
  [[nodiscard]] std::vector<std::uint64_t> Going() const;
  // Of the last record.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::uint64_t sent_in_life() const { return sent_in_life_; }

 private:
  using Replay = NaiveLedger::Replay;
  struct Expected {
    std::string client;  // empty: all
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    bool parked_only = false;
    bool acked_too = false;
    Timestamp now{};  // what has expired by then is in no plan
  };

  void Violate(const std::string& rule, const std::string& what) { findings_.Violate(rule, what); }
  void AddSettled(const Key& key, const Expected& expected, Deliveries& out) const;
  [[nodiscard]] std::uint64_t ChannelOf(const std::string& name) const;
  void CheckOutcome(const store::Event& event);
  [[nodiscard]] bool MayFail(std::uint64_t replay, int reason, const Delivery& delivery) const;
  [[nodiscard]] bool MaySkip(std::uint64_t replay, const store::ReplayOutcome& outcome,
                             const Delivery& delivery, std::int64_t at_ms) const;
  [[nodiscard]] bool WasResumedBefore(std::uint64_t id, const Delivery& delivery);
  void CheckNotStopped(std::uint64_t id, const Replay& replay, const Delivery& delivery);
  [[nodiscard]] bool WasDismissedSince(const Delivery& delivery, std::uint64_t replay) const;
  [[nodiscard]] static bool IsSince(const std::map<Delivery, std::uint64_t>& numbers,
                                    const Delivery& delivery, std::uint64_t replay);

  const NaiveLedger& record_;
  Findings& findings_;
  std::uint64_t number_ = 0;  // of the last record
  std::vector<Planned> starts_asked_;
  std::map<std::uint64_t, std::uint64_t> planned_at_;  // by replay
  // With the number of the last record when it happened.
  std::map<Delivery, std::uint64_t> acked_at_;
  std::map<Delivery, std::uint64_t> perhaps_acked_at_;
  std::map<Delivery, std::uint64_t> rejected_at_;
  std::map<Delivery, EventId> dismissed_by_;
  std::map<Key, std::uint64_t> subscribed_at_;
  Deliveries acked_on_record_;
  Deliveries acked_ever_;  // in earlier subscriptions too
  std::map<std::pair<std::uint64_t, Delivery>, std::uint64_t> ended_at_;  // by replay
  std::map<std::uint64_t, std::uint64_t> resumed_at_;
  std::map<std::uint64_t, EventId> stopped_by_;  // the last pause or end; none since a resume
  std::map<std::pair<std::uint64_t, std::string>, EventId> stopped_;  // at the client, by that
  std::map<std::uint64_t, Deliveries> sent_;
  std::map<std::uint64_t, Deliveries> sent_before_life_;
  std::uint64_t sent_in_life_ = 0;
};

}  // namespace ackwire
