#include "delivery/delivery_story.h"

#include <algorithm>
#include <optional>

#include "delivery/replay_name.h"
#include "store/proto_time.h"

namespace ackwire {
namespace {

template <typename Parts>
std::optional<store::SentRun> RunWith(const Parts& runs, Seq seq) {
  const auto found = std::find_if(runs.begin(), runs.end(), [seq](const auto& run) {
    return run.first() <= seq.value && seq.value <= run.last();
  });
  if (found == runs.end()) return std::nullopt;
  return *found;
}

v1::Attempt AttemptOf(const JournalEvent& event, const store::SentRun& run) {
  v1::Attempt attempt;
  attempt.set_number(run.attempt());
  attempt.set_session(event.event.session());
  SetTime(*attempt.mutable_sent_at(), FromUnixMs(run.sent_at_ms()));
  SetTime(*attempt.mutable_ended_at(), WhenOf(event));
  return attempt;
}

void AddFailed(const JournalEvent& event, const DeliveryFacts& facts, DeliveryStory& story) {
  const store::Failed& failed = event.event.failed();
  for (const store::FailedChannel& part : failed.channels()) {
    if (part.channel() != facts.channel_id.value) continue;
    const auto run = RunWith(part.runs(), facts.seq);
    if (!run) continue;
    v1::Attempt attempt = AttemptOf(event, *run);
    attempt.set_reason(static_cast<v1::Reason>(failed.reason()));
    attempt.set_detail(failed.detail());
    attempt.set_transport(failed.transport());
    attempt.set_remote_address(failed.remote_address());
    if (part.replay() != 0) attempt.set_replay(NameOf(ReplayId{part.replay()}));
    story.attempts.push_back(std::move(attempt));
    if (part.replay() != 0) continue;
    ++story.failed;
    if (part.counted()) ++story.counted;
  }
}

void AddAcked(const JournalEvent& event, const DeliveryFacts& facts, DeliveryStory& story) {
  for (const store::AckedChannel& part : event.event.acked().channels()) {
    if (part.channel() != facts.channel_id.value) continue;
    auto run = RunWith(part.runs(), facts.seq);
    if (!run) run = RunWith(part.replayed(), facts.seq);
    if (!run) continue;
    v1::Attempt acked = AttemptOf(event, *run);
    if (part.replay() != 0) acked.set_replay(NameOf(ReplayId{part.replay()}));
    // A late acknowledgement names an attempt that is on record as failed, unless it went on.
    const auto failed = std::find_if(
        story.attempts.rbegin(), story.attempts.rend(), [&](const v1::Attempt& attempt) {
          return attempt.number() == acked.number() && attempt.session() == acked.session();
        });
    story.late = failed != story.attempts.rend() && !run->went_on();
    story.acked = story.late ? *failed : acked;
    if (!story.late) story.attempts.push_back(std::move(acked));
  }
}

}  // namespace

Timestamp WhenOf(const JournalEvent& event) {
  return event.event.at_ms() == 0 ? event.committed_at : FromUnixMs(event.event.at_ms());
}

DeliveryStory StoryOf(const DeliveryFacts& facts) {
  DeliveryStory story;
  bool ended = false;  // the subscription, after what was told so far
  for (const JournalEvent& event : facts.failures) {
    if (ended) story = {};
    ended = event.event.has_unsubscribed();
    if (event.event.has_failed()) AddFailed(event, facts, story);
    if (ended || event.event.has_abandoned()) story.abandoned = &event;
  }
  // Subscribed anew, and owed again from the start.
  if (ended && facts.owed()) story = {};
  if (facts.acked) AddAcked(*facts.acked, facts, story);
  if (facts.live && facts.live->in_flight) story.attempts.push_back(facts.live->attempt);
  // On record they are in order of their ends.
  std::stable_sort(story.attempts.begin(), story.attempts.end(),
                   [](const v1::Attempt& one, const v1::Attempt& other) {
                     return TimeOf(one.sent_at()) < TimeOf(other.sent_at());
                   });
  return story;
}

}  // namespace ackwire
