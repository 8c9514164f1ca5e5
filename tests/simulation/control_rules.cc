#include "tests/simulation/control_rules.h"

#include <algorithm>

#include "ackwire/v1/deliveries.pb.h"

namespace ackwire {

ControlRules::PauseAsked ControlRules::AsksPause(const std::string& client, Pause what) {
  auto& under_way = pausing_[client];
  const PauseAsked asked{client, what, ++pauses_asked_, under_way.empty()};
  under_way[asked.number] = what;
  ever_asked_.insert({client, what});
  return asked;
}

void ControlRules::PauseAnswered(const PauseAsked& asked, const Status& status) {
  auto& under_way = pausing_[asked.client];
  const bool still_alone =
      asked.alone && under_way.size() == 1 && under_way.begin()->first == asked.number;
  // Where the log takes no more writes the session goes on, until the process ends.
  const bool done = status.ok() || status.code() == StatusCode::kNotFound;
  if (done) under_way.erase(asked.number);
  const auto client = record_.clients().find(asked.client);
  if (status.code() == StatusCode::kNotFound && client != record_.clients().end() && still_alone) {
    findings_.Violate("pause", asked.client + " is said to be unknown");
  }
  if (!status.ok() || !still_alone) return;
  const bool paused = client != record_.clients().end() && client->second.paused_at_ms != 0;
  if (paused == (asked.what == Pause::kPause)) return;
  findings_.Violate("pause", asked.client + " was answered as " +
                                 (paused ? "resumed and is paused" : "paused and is not") +
                                 " on record");
}

void ControlRules::AsksDismissal(const Key& key, const std::vector<std::uint64_t>& seqs) {
  for (const std::uint64_t seq : seqs) dismissals_asked_.insert({key, seq});
}

void ControlRules::BeginLife() { pausing_.clear(); }

void ControlRules::CheckEvent(const store::Event& event) {
  if (event.has_client_paused()) CheckPaused(event);
  if (event.abandoned().unparked_size() > 0) CheckDismissed(event);
}

void ControlRules::CheckPaused(const store::Event& event) {
  const bool pause = event.client_paused().paused();
  findings_.Event(pause ? "paused" : "resumed");
  if (pause && !event.session().empty()) findings_.Event("paused while connected");
  if (ever_asked_.contains({event.client(), pause ? Pause::kPause : Pause::kResume})) return;
  findings_.Violate("pause", event.client() + ": nobody asked for it");
}

void ControlRules::CheckDismissed(const store::Event& event) {
  const store::Abandoned& abandoned = event.abandoned();
  const Key key{event.client(), abandoned.channel()};
  const auto subscription = record_.subscriptions().find(key);
  for (const std::uint64_t seq : abandoned.unparked()) {
    findings_.Event("dismissed");
    const bool parked =
        subscription != record_.subscriptions().end() && subscription->second.parked.contains(seq);
    if (parked && abandoned.reason() == v1::REASON_DISMISSED && MayBeDismissed(key, seq)) continue;
    findings_.Violate("dismissed", "seq " + std::to_string(seq) + " of channel " +
                                       std::to_string(key.second) + " for " + key.first +
                                       (parked ? " was not to be" : " was not parked"));
  }
}

void ControlRules::CheckMaySend(const std::string& client) {
  const auto known = record_.clients().find(client);
  if (known == record_.clients().end() || known->second.paused_at_ms == 0) return;
  const auto under_way = pausing_.find(client);
  const bool resuming = under_way != pausing_.end() &&
                        std::any_of(under_way->second.begin(), under_way->second.end(),
                                    [](const auto& each) { return each.second == Pause::kResume; });
  if (!resuming) findings_.Violate("paused", client + " is sent something, and is paused");
}

std::vector<std::string> ControlRules::PausedClients() const {
  std::vector<std::string> clients;
  for (const auto& [name, client] : record_.clients()) {
    if (client.paused_at_ms != 0) clients.push_back(name);
  }
  return clients;
}

}  // namespace ackwire
