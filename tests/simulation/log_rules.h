// LogRules is what the contract says of writing, as naively as it can be said: every answer and
// every commit is kept, and each start is compared with all of them.
//
// - An answered write is in the log, at the seq and position that its answer said, for ever.
// - A message id is in its channel once; only the first answer is no duplicate.
// - Positions, seqs of a channel and numbers of the journal are dense.
// - What was committed, and so may have been delivered, is there after every start.
// - Each sink is offered every commit, in order; after a start again from where all had come to, or
//   from before it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/committed_group.h"
#include "store/work.h"
#include "tests/faults/surviving_log.h"
#include "tests/simulation/findings.h"

namespace ackwire {

class LogRules {
 public:
  explicit LogRules(Findings& findings) : findings_(findings) {}

  // The writer's answers, and its commits; both of one step before AfterStep.
  void Answered(const std::string& channel, const std::string& id, const Published& published);
  void Committed(const CommittedGroup& group);
  void AfterStep();

  // What a start found. A commit that was cut off may be there or not.
  void Started(const SurvivingLog& log);
  // A life begins.
  void BeginLife() { offered_in_life_.clear(); }
  void Offered(std::size_t sink, const CommittedGroup& group);
  void CheckAllOffered(std::size_t sink);

  [[nodiscard]] const v1::Message* Find(const std::string& channel, const std::string& id) const;
  [[nodiscard]] std::size_t messages() const { return messages_.size(); }
  [[nodiscard]] std::size_t records() const { return records_.size(); }

 private:
  using MessageName = std::pair<std::string, std::string>;  // channel, id
  struct Point {
    std::uint64_t position = 0;
    std::uint64_t number = 0;
  };

  struct LifePoint {
    std::optional<std::uint64_t> position;
    std::optional<std::uint64_t> number;
  };

  void Add(const v1::Message& message);
  void CheckAnswer(const MessageName& name, const Published& published);
  void CheckNext(const char* what, std::uint64_t next, std::optional<std::uint64_t> in_life,
                 std::uint64_t ever);

  Findings& findings_;
  std::vector<v1::Message> messages_;          // position n at n - 1
  std::vector<store::JournalRecord> records_;  // number n at n - 1
  std::map<std::string, std::uint64_t> last_;  // seq, by channel
  std::map<MessageName, std::size_t> by_id_;
  std::map<MessageName, Published> answered_;  // the first answer that was no duplicate
  std::vector<std::pair<MessageName, Published>> answers_of_step_;
  std::map<std::size_t, Point> offered_;  // by sink, in any life
  std::map<std::size_t, LifePoint> offered_in_life_;
};

}  // namespace ackwire
