#include "store/forgotten_client.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "ackwire/v1/deliveries.pb.h"
#include "store/failures.h"

namespace ackwire {
namespace {

constexpr std::string_view kPseudonym = "forgotten ";  // names of clients have no white space

// What an event becomes of which only the place counts.
store::Event Erased(const store::Event& event) {
  store::Event erased;
  erased.set_at_ms(event.at_ms());
  erased.set_erased_failures(static_cast<std::uint32_t>(FailingOf(event).runs.size()));
  if (event.has_subscribed()) {
    // It may have made the channel.
    store::ChannelMade& made = *erased.mutable_channel_made();
    made.set_channel(event.subscribed().channel());
    made.set_channel_name(event.subscribed().channel_name());
  }
  return erased;
}

std::set<std::string> KeysOf(JournalNumber number, const store::JournalRecord& record) {
  std::set<std::string> keys;
  for (const store::Event& event : record.events()) {
    for (std::string& key : FailureKeysOf(number, event)) keys.insert(std::move(key));
  }
  return keys;
}

}  // namespace

std::string PseudonymOf(EventId at) { return std::string(kPseudonym) + std::to_string(at.value); }

bool IsPseudonym(const std::string& client) {
  return std::string_view(client).substr(0, kPseudonym.size()) == kPseudonym;
}

bool EraseClient(const ForgottenClient& forgotten, JournalNumber number,
                 store::JournalRecord& record) {
  bool changed = false;
  for (int i = 0; i < record.events_size(); ++i) {
    if (EventId::Of(number, static_cast<std::uint64_t>(i)) > forgotten.at) break;
    store::Event& event = *record.mutable_events(i);
    if (event.has_replay_started()) {
      changed = EraseFromSelection(forgotten, *event.mutable_replay_started()) || changed;
    }
    if (event.client() != forgotten.client) continue;
    changed = true;
    if (event.has_client_forgotten()) event.mutable_client_forgotten()->set_counted(false);
    const bool stays =
        event.has_client_forgotten() || event.has_replay_pinned() || event.has_replay_outcome();
    if (stays) {
      event.set_client(PseudonymOf(forgotten.at));
      event.clear_session();
    } else {
      event = Erased(event);
    }
  }
  return changed;
}

bool EraseFromSelection(const ForgottenClient& forgotten, store::ReplayStarted& started) {
  v1::ReplaySelection selection;
  if (!selection.ParseFromString(started.selection())) return false;
  const std::string pseudonym = PseudonymOf(forgotten.at);
  const bool failed = selection.failed().client() == forgotten.client;
  const bool range = selection.range().client() == forgotten.client;
  if (failed) selection.mutable_failed()->set_client(pseudonym);
  if (range) selection.mutable_range()->set_client(pseudonym);
  if (failed || range) started.set_selection(selection.SerializeAsString());
  return failed || range;
}

std::vector<std::string> ListedNoMore(JournalNumber number, const store::JournalRecord& before,
                                      const store::JournalRecord& after) {
  const std::set<std::string> had = KeysOf(number, before);
  const std::set<std::string> has = KeysOf(number, after);
  std::vector<std::string> gone;
  std::set_difference(had.begin(), had.end(), has.begin(), has.end(), std::back_inserter(gone));
  return gone;
}

store::JournalRecord PlaceOf(const store::JournalRecord& record) {
  store::JournalRecord place;
  place.set_at_ms(record.at_ms());
  place.set_position(record.position());
  for (const store::Event& event : record.events()) place.add_events()->set_at_ms(event.at_ms());
  return place;
}

}  // namespace ackwire
