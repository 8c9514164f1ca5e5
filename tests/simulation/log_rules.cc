#include "tests/simulation/log_rules.h"

#include <algorithm>

#include "tests/simulation/in_words.h"

namespace ackwire {

void LogRules::Answered(const std::string& channel, const std::string& id,
                        const Published& published) {
  answers_of_step_.push_back({{channel, id}, published});
}

void LogRules::Add(const v1::Message& message) {
  messages_.push_back(message);
  if (message.position() != messages_.size()) {
    findings_.Violate("position",
                      Text(message.position()) + " comes after " + Text(messages_.size() - 1));
  }
  const std::uint64_t seq = ++last_[message.channel()];
  if (message.seq() != seq) {
    findings_.Violate(
        "seq", message.channel() + " has " + Text(message.seq()) + " after " + Text(seq - 1));
  }
  const MessageName name{message.channel(), message.message_id()};
  if (!by_id_.emplace(name, messages_.size() - 1).second) {
    findings_.Violate("duplicated", name.second + " is twice in " + name.first);
  }
}

void LogRules::Committed(const CommittedGroup& group) {
  findings_.Event("commits");
  for (const StoredMessage& stored : group.messages) {
    findings_.Event("messages published");
    Add(stored.message);
  }
  if (group.number.value == 0) return;
  records_.push_back(group.record);
  if (findings_.trace) findings_.Note("record " + group.record.ShortDebugString());
  if (group.number.value != records_.size()) {
    findings_.Violate("journal number",
                      Text(group.number.value) + " comes after " + Text(records_.size() - 1));
  }
}

void LogRules::AfterStep() {
  for (const auto& [name, published] : std::exchange(answers_of_step_, {})) {
    CheckAnswer(name, published);
  }
}

void LogRules::CheckAnswer(const MessageName& name, const Published& published) {
  const auto found = by_id_.find(name);
  if (found == by_id_.end()) {
    return findings_.Violate("lost", name.second + " was answered and is not committed");
  }
  const v1::Message& message = messages_[found->second];
  if (message.seq() != published.seq.value || message.position() != published.position.value) {
    findings_.Violate("moved", name.second + " was answered seq " + Text(published.seq.value) +
                                   " and is seq " + Text(message.seq()));
  }
  if (published.duplicate) return findings_.Event("duplicates answered");
  if (!answered_.emplace(name, published).second) {
    findings_.Violate("duplicate", name.second + " was answered twice as new");
  }
}

void LogRules::Started(const SurvivingLog& log) {
  if (log.messages.size() < messages_.size() || log.records.size() < records_.size()) {
    return findings_.Violate("lost", "committed up to position " + Text(messages_.size()) +
                                         " and record " + Text(records_.size()) +
                                         ", and the log ends at " + Text(log.messages.size()) +
                                         " and " + Text(log.records.size()));
  }
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    if (messages_[i].SerializeAsString() == log.messages[i].message.SerializeAsString()) continue;
    findings_.Violate("altered", "position " + Text(i + 1) + " is another message");
  }
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (records_[i].SerializeAsString() == log.records[i].SerializeAsString()) continue;
    findings_.Violate("altered", "journal record " + Text(i + 1) + " is another one");
  }
  const bool more = log.messages.size() > messages_.size() || log.records.size() > records_.size();
  if (more) findings_.Event("commits in doubt, and there");
  for (std::size_t i = messages_.size(); i < log.messages.size(); ++i) Add(log.messages[i].message);
  for (std::size_t i = records_.size(); i < log.records.size(); ++i) {
    records_.push_back(log.records[i]);
  }
}

void LogRules::Offered(std::size_t sink, const CommittedGroup& group) {
  findings_.Event("commits handed over");
  Point& ever = offered_[sink];
  // A life begins where the last one was, or before it: then what comes next is known from the
  // first commit that has some.
  LifePoint& life = offered_in_life_[sink];
  if (!group.messages.empty()) {
    CheckNext("position", group.messages.front().position().value, life.position, ever.position);
  }
  life.position = group.last.value;
  if (group.number.value != 0) {
    CheckNext("record", group.number.value, life.number, ever.number);
    life.number = group.number.value;
  }
  ever.position = std::max(ever.position, group.last.value);
  ever.number = std::max(ever.number, group.number.value);
}

void LogRules::CheckNext(const char* what, std::uint64_t next, std::optional<std::uint64_t> in_life,
                         std::uint64_t ever) {
  const bool right = in_life ? next == *in_life + 1 : next <= ever + 1;
  if (right) return;
  findings_.Violate("relay", std::string(what) + ' ' + Text(next) + " was offered after " +
                                 Text(in_life.value_or(ever)));
}

void LogRules::CheckAllOffered(std::size_t sink) {
  const Point& ever = offered_[sink];
  if (ever.position == messages_.size() && ever.number == records_.size()) return;
  findings_.Violate("relay", "sink " + Text(sink) + " was offered up to position " +
                                 Text(ever.position) + " and record " + Text(ever.number) +
                                 "; the log ends at " + Text(messages_.size()) + " and " +
                                 Text(records_.size()));
}

const v1::Message* LogRules::Find(const std::string& channel, const std::string& id) const {
  const auto found = by_id_.find({channel, id});
  return found == by_id_.end() ? nullptr : &messages_[found->second];
}

}  // namespace ackwire
