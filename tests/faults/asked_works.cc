#include "tests/faults/asked_works.h"

#include <algorithm>

#include "store/proto_time.h"

namespace ackwire {
namespace {

std::string PublishEffect(const std::string& channel, const std::string& id) {
  return "message " + id + " of " + channel;
}
std::string SubscribeEffect(const std::string& who, std::uint64_t times) {
  return "subscription of " + who + ", number " + std::to_string(times);
}
std::string EventEffect(const std::string& session, int index) {
  return "event " + std::to_string(index) + " of " + session;
}
// Whether the commit failed, and not this work alone.
bool IsNoMoreWrites(const Status& status) {
  return status.message().find("the log takes no more writes") != std::string::npos;
}
std::string Who(const std::string& client, const std::string& channel) {
  return client + " to " + channel;
}

}  // namespace

std::map<std::string, const v1::Message*> EffectsOf(const SurvivingLog& log) {
  std::map<std::string, const v1::Message*> effects;
  for (const StoredMessage& stored : log.messages) {
    effects[PublishEffect(stored.message.channel(), stored.message.message_id())] = &stored.message;
  }
  std::map<std::string, std::uint64_t> subscribed;
  std::map<std::string, int> events;
  for (const store::JournalRecord& record : log.records) {
    for (const store::Event& event : record.events()) {
      if (event.has_subscribed()) {
        const std::string who = Who(event.client(), event.subscribed().channel_name());
        effects[SubscribeEffect(who, ++subscribed[who])] = nullptr;
      } else {
        effects[EventEffect(event.session(), events[event.session()]++)] = nullptr;
      }
    }
  }
  return effects;
}

void AskedWorks::Ask(Work& work) {
  std::lock_guard lock(mutex_);
  if (auto* publish = std::get_if<PublishWork>(&work)) {
    Publish(*publish);
  } else if (auto* subscribe = std::get_if<SubscribeWork>(&work)) {
    Subscribe(*subscribe);
  } else {
    Journal(std::get<JournalWork>(work));
  }
}

AskedWorks::Asked& AskedWorks::Add(std::vector<std::string> effects) {
  ++open_;
  asked_.push_back({.group = group_, .effects = std::move(effects)});
  return asked_.back();
}

void AskedWorks::Publish(PublishWork& work) {
  const std::string effect = PublishEffect(work.draft.channel(), work.draft.message_id());
  Asked& asked = Add({effect});
  if (!published_.insert(effect).second) asked.group = 0;
  asked.message = work.draft;
  work.done = [this, &asked](const StatusOr<Published>& published) {
    std::lock_guard lock(mutex_);
    if (published.ok()) {
      asked.message->set_seq(published->seq.value);
      asked.message->set_position(published->position.value);
      SetTime(*asked.message->mutable_published_at(), published->published_at);
    }
    Answer(asked, published.status());
  };
}

void AskedWorks::Subscribe(SubscribeWork& work) {
  std::vector<std::string> effects;
  for (const SubscribeRequest& request : work.requests) {
    const std::string who = Who(request.client, request.channel);
    effects.push_back(SubscribeEffect(who, ++subscribed_[who]));
  }
  Asked& asked = Add(std::move(effects));
  const std::vector<SubscribeRequest> requests = work.requests;
  work.done = [this, &asked, requests](const StatusOr<std::vector<SubscriptionState>>& states) {
    std::lock_guard lock(mutex_);
    Answer(asked, states.status());
    if (asked.state != State::kRefused) return;
    for (const SubscribeRequest& each : requests) --subscribed_[Who(each.client, each.channel)];
  };
}

void AskedWorks::Journal(JournalWork& work) {
  std::vector<std::string> effects;
  std::map<std::string, int> events;
  for (const store::Event& event : work.events) {
    effects.push_back(EventEffect(event.session(), events[event.session()]++));
  }
  Asked& asked = Add(std::move(effects));
  work.done = [this, &asked](const StatusOr<Recorded>& recorded) {
    std::lock_guard lock(mutex_);
    Answer(asked, recorded.status());
    if (asked.state == State::kRefused) asked.state = State::kInPart;
  };
}

void AskedWorks::Answer(Asked& asked, const Status& status) {
  if (status.ok()) {
    ++answered_;
    asked.state = State::kAnswered;
  } else {
    // Of what repeats an earlier one, it is not told here whether that was answered.
    const bool in_doubt = asked.group == 0 || IsNoMoreWrites(status);
    asked.state = in_doubt ? State::kInDoubt : State::kRefused;
  }
  if (--open_ == 0) all_answered_.notify_all();
}

std::uint64_t AskedWorks::answered() const {
  std::lock_guard lock(mutex_);
  return answered_;
}

bool AskedWorks::WaitForAnswers(std::chrono::seconds at_most) {
  std::unique_lock lock(mutex_);
  return all_answered_.wait_for(lock, at_most, [this] { return open_ == 0; });
}

AskedWorks::Outcome AskedWorks::Compare(const SurvivingLog& log) {
  std::lock_guard lock(mutex_);
  Outcome outcome;
  const auto effects = EffectsOf(log);
  std::set<std::string> unasked;
  for (const auto& [name, message] : effects) unasked.insert(name);
  for (const Asked& asked : asked_) {
    for (const std::string& effect : asked.effects) unasked.erase(effect);
  }
  for (const std::string& name : unasked) {
    outcome.problems.push_back(name + " is on disk and nobody asked for it");
  }
  std::map<std::uint64_t, std::set<bool>> groups_in_doubt;
  last_lost_group_ = 0;
  for (Asked& asked : asked_) {
    const bool in_doubt = asked.state == State::kOpen || asked.state == State::kInDoubt;
    CompareOne(asked, effects, outcome);
    if (in_doubt) groups_in_doubt[asked.group].insert(asked.state == State::kAnswered);
  }
  for (const auto& [group, fates] : groups_in_doubt) {
    if (group == 0 || fates.size() == 1) continue;
    outcome.problems.push_back("commit " + std::to_string(group) + " is there in part");
  }
  Forget(log);
  outcome.kept = asked_.size();
  return outcome;
}

// What is gone is forgotten: if it ever came back, nobody would have asked for it.
void AskedWorks::Forget(const SurvivingLog& log) {
  open_ = 0;
  std::erase_if(asked_, [](const Asked& asked) { return asked.state == State::kRefused; });
  published_.clear();
  for (const Asked& asked : asked_) {
    if (asked.message) published_.insert(asked.effects.front());
  }
  subscribed_.clear();
  for (const store::JournalRecord& record : log.records) {
    for (const store::Event& event : record.events()) {
      if (!event.has_subscribed()) continue;
      ++subscribed_[Who(event.client(), event.subscribed().channel_name())];
    }
  }
}

void AskedWorks::CompareOne(Asked& asked, const std::map<std::string, const v1::Message*>& effects,
                            Outcome& outcome) {
  if (asked.state == State::kInPart) {
    std::erase_if(asked.effects, [&](const auto& effect) { return !effects.contains(effect); });
    asked.state = asked.effects.empty() ? State::kRefused : State::kAnswered;
    return;
  }
  const std::string what = asked.effects.front();
  const auto there = std::count_if(asked.effects.begin(), asked.effects.end(),
                                   [&](const auto& effect) { return effects.contains(effect); });
  const bool whole = there == static_cast<std::ptrdiff_t>(asked.effects.size());
  if (there != 0 && !whole) outcome.problems.push_back(what + " is there in part");
  if (asked.state == State::kRefused) {
    if (there != 0) outcome.problems.push_back(what + " is there, and was refused or was gone");
    return;
  }
  if (asked.state != State::kAnswered) {
    ++(whole ? outcome.in_doubt_there : outcome.in_doubt_gone);
    asked.state = whole ? State::kAnswered : State::kRefused;
    if (whole && asked.message) asked.message = *effects.at(what);
    return;
  }
  if (!whole) {
    ++outcome.lost;
    asked.state = State::kRefused;
    last_lost_group_ = asked.group;
    return;
  }
  if (last_lost_group_ != 0 && asked.group > last_lost_group_) {
    outcome.problems.push_back(what + " is there, though what came before it is lost");
  }
  if (!asked.message) return;
  const v1::Message& stored = *effects.at(what);
  if (stored.SerializeAsString() != asked.message->SerializeAsString()) {
    outcome.problems.push_back(what + " is {" + stored.ShortDebugString() +
                               "} and was answered as {" + asked.message->ShortDebugString() + "}");
  }
}

}  // namespace ackwire
