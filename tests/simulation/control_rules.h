// ControlRules is what the contract says of what operators do to clients: they pause and resume
// them, and dismiss what is parked.
//
// - Only what was asked for goes on record; when it is answered it is there.
// - A client that is paused on record is sent nothing until somebody asks to resume it.
// - What was dismissed was parked.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/records.pb.h"
#include "tests/faults/naive_ledger.h"
#include "tests/simulation/findings.h"

namespace ackwire {

class ControlRules {
 public:
  using Key = NaiveLedger::SubscriptionKey;  // client, channel

  ControlRules(const NaiveLedger& record, Findings& findings)
      : record_(record), findings_(findings) {}

  enum class Pause { kPause, kResume };
  struct PauseAsked {
    std::string client;
    Pause what = Pause::kPause;
    std::uint64_t number = 0;
    bool alone = false;  // no other was under way for the client
  };
  // Somebody is about to ask for it; it is answered.
  [[nodiscard]] PauseAsked AsksPause(const std::string& client, Pause what);
  void PauseAnswered(const PauseAsked& asked, const Status& status);
  void AsksDismissal(const Key& key, const std::vector<std::uint64_t>& seqs);

  // Before the record has it.
  void CheckEvent(const store::Event& event);
  // A session sends the client something.
  void CheckMaySend(const std::string& client);
  void BeginLife();

  [[nodiscard]] bool MayBeDismissed(const Key& key, std::uint64_t seq) const {
    return dismissals_asked_.contains({key, seq});
  }
  [[nodiscard]] std::vector<std::string> PausedClients() const;

 private:
  void CheckPaused(const store::Event& event);
  void CheckDismissed(const store::Event& event);

  const NaiveLedger& record_;
  Findings& findings_;
  std::uint64_t pauses_asked_ = 0;
  // Under way, in this life.
  std::map<std::string, std::map<std::uint64_t, Pause>> pausing_;
  std::set<std::pair<std::string, Pause>> ever_asked_;
  std::set<std::pair<Key, std::uint64_t>> dismissals_asked_;
};

}  // namespace ackwire
