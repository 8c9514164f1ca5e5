#include "tests/faults/check_start.h"

#include <algorithm>

#include "store/difference.h"

namespace ackwire {
namespace {

// The first line that differs.
std::string FirstDifference(const std::vector<std::string>& expected,
                            const std::vector<std::string>& found) {
  const auto [want, have] =
      std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
  if (want == expected.end() && have == found.end()) return "";
  return "the store says {" + (have == found.end() ? "nothing more" : *have) +
         "}, log and journal {" + (want == expected.end() ? "nothing more" : *want) + "}";
}

}  // namespace

StartFindings CheckStart(Store& store, AskedWorks& asked) {
  StartFindings findings;
  StatusOr<SurvivingLog> log = ReadSurvivingLog(store.database());
  if (!log.ok()) {
    findings.problems.push_back("not refused, but damaged: " + MessageOf(log.status()));
    return findings;
  }
  findings.log = *std::move(log);
  findings.asked = asked.Compare(findings.log);
  findings.problems = findings.asked.problems;
  const auto described = DescribeStore({store.derived(), store.log(), store.ledger()});
  if (!described.ok()) {
    findings.problems.push_back("cannot be read: " + MessageOf(described.status()));
    return findings;
  }
  const std::string difference = FirstDifference(NaiveLedger(findings.log).Describe(), *described);
  if (!difference.empty()) findings.problems.push_back(difference);
  return findings;
}

Offered HandedOver::Offer(const SharedGroup& group) {
  if (may_be_full_ && rng_.Next() % 8 == 0) return Offered::kFull;
  const OutboxPoint point = PointOf(*group);
  if (last_in_life_ && point <= *last_in_life_) {
    Note("position " + Text(point.last.value) + " was handed over twice in one life");
  }
  last_in_life_ = point;
  for (const StoredMessage& stored : group->messages) {
    const std::uint64_t position = stored.position().value;
    if (position > messages_.size() + 1) {
      Note("position " + Text(position) + " was handed over before " + Text(messages_.size() + 1));
    }
    if (position == messages_.size() + 1) messages_.push_back(stored.message);
  }
  const std::uint64_t number = group->number.value;
  if (number > records_.size() + 1) {
    Note("record " + Text(number) + " was handed over before " + Text(records_.size() + 1));
  }
  if (number == records_.size() + 1) records_.push_back(group->record);
  return Offered::kTaken;
}

std::vector<std::string> HandedOver::Compare(const SurvivingLog& log) const {
  std::vector<std::string> problems = problems_;
  if (messages_.size() > log.messages.size() || records_.size() > log.records.size()) {
    problems.push_back("handed over up to position " + Text(messages_.size()) + " and record " +
                       Text(records_.size()) + ", of which the log ends at " +
                       Text(log.messages.size()) + " and " + Text(log.records.size()));
    return problems;
  }
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    if (messages_[i].SerializeAsString() == log.messages[i].message.SerializeAsString()) continue;
    problems.push_back("position " + Text(i + 1) + " was handed over as another message");
  }
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (records_[i].SerializeAsString() == log.records[i].SerializeAsString()) continue;
    problems.push_back("record " + Text(i + 1) + " was handed over as another one");
  }
  return problems;
}

std::vector<std::string> HandedOver::Missing(const SurvivingLog& log) const {
  std::vector<std::string> problems = problems_;
  if (messages_.size() != log.messages.size() || records_.size() != log.records.size()) {
    problems.push_back("the relay has nothing more, at position " + Text(messages_.size()) +
                       " and record " + Text(records_.size()) + "; the log ends at " +
                       Text(log.messages.size()) + " and " + Text(log.records.size()));
  }
  return problems;
}

void HandedOver::CutBack(const SurvivingLog& log) {
  messages_.resize(std::min(messages_.size(), log.messages.size()));
  records_.resize(std::min(records_.size(), log.records.size()));
}

}  // namespace ackwire
