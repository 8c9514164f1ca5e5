// AskedWorks is what a store was asked to write and what it answered, and what must therefore be on
// disk. A work that was answered is there, whole. One that was refused, by a rule or because what
// it needs to know cannot be read, is not; of a journal work events may be, those of which nothing
// had to be read. One that was not answered, or that the failure of its commit refused, is in
// doubt: it is there whole with all of its commit, or not at all.
//
// Threads: answers come on any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/work.h"
#include "tests/faults/surviving_log.h"

namespace ackwire {

class AskedWorks {
 public:
  // What is asked from now on may share a commit only with what is asked until the next call.
  void BeginGroup() { ++group_; }

  // Notes the work and takes its answer. A publish has an id of its own, or repeats one that was
  // answered. The events of a journal work have a session id of their own. A subscription is to
  // begin, not to be found there already.
  void Ask(Work& work);

  // How many were answered OK.
  [[nodiscard]] std::uint64_t answered() const;

  // Whether all have been answered before the time is over.
  [[nodiscard]] bool WaitForAnswers(std::chrono::seconds at_most);

  struct Outcome {
    std::vector<std::string> problems;  // none of which a power cut excuses
    std::uint64_t kept = 0;             // works that are there
    std::uint64_t lost = 0;             // works that were answered and are not there
    std::uint64_t in_doubt_there = 0;
    std::uint64_t in_doubt_gone = 0;
  };
  // Compares with what a start found. What was in doubt is no longer: from now on it is there for
  // good, or never again. REQUIRES: the store is gone, so no answer comes any more.
  [[nodiscard]] Outcome Compare(const SurvivingLog& log);

 private:
  enum class State { kOpen, kAnswered, kRefused, kInPart, kInDoubt };
  struct Asked {
    std::uint64_t group = 0;  // zero: repeats what an earlier group brought
    State state = State::kOpen;
    std::vector<std::string> effects;    // their names, as EffectsOf gives them
    std::optional<v1::Message> message;  // of a publish: as it must be stored, once answered
  };

  void Publish(PublishWork& work);
  void Subscribe(SubscribeWork& work);
  void Journal(JournalWork& work);
  // Its place does not change until Compare.
  Asked& Add(std::vector<std::string> effects);
  void Answer(Asked& asked, const Status& status);
  void CompareOne(Asked& asked, const std::map<std::string, const v1::Message*>& effects,
                  Outcome& outcome);
  void Forget(const SurvivingLog& log);

  std::uint64_t group_ = 1;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable all_answered_;
  std::deque<Asked> asked_;
  std::uint64_t open_ = 0;
  std::uint64_t answered_ = 0;
  std::set<std::string> published_;                  // effects of publishes
  std::map<std::string, std::uint64_t> subscribed_;  // how often, by client and channel
  std::uint64_t last_lost_group_ = 0;
};

// Everything that works have brought about, by name, with the message of a publish.
[[nodiscard]] std::map<std::string, const v1::Message*> EffectsOf(const SurvivingLog& log);

}  // namespace ackwire
