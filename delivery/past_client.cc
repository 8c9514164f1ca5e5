#include "delivery/past_client.h"

#include "delivery/delivery_story.h"
#include "store/records.pb.h"

namespace ackwire {
namespace {

template <typename Runs>
std::uint64_t CountOf(const Runs& runs) {
  std::uint64_t count = 0;
  for (const store::SentRun& run : runs) count += run.last() - run.first() + 1;
  return count;
}

// Of these, those that ended for the first time: the others were counted before.
template <typename Runs>
std::uint64_t EndedOf(const Runs& runs) {
  std::uint64_t count = 0;
  for (const store::SentRun& run : runs) count += run.went_on() ? 0 : run.last() - run.first() + 1;
  return count;
}

}  // namespace

void PastClient::Begin(const JournalReader::Beginning& beginning) {
  state_ = beginning.state;
  for (const ChannelEntry& each : beginning.entries) entries_[each.channel] = each.entry;
  may_be_open_ = state_.known;
}

void PastClient::FindOpenSession(const store::Event& event) {
  if (event.session().empty()) return;
  may_be_open_ = false;
  if (event.has_session_opened()) return;
  last_session_ = event.session();
  session_ = {.id = last_session_,
              .transport = event.failed().transport(),
              .remote_address = event.failed().remote_address(),
              .opened_at = state_.last_seen_at};
}

void PastClient::Add(const JournalEvent& event) {
  if (may_be_open_) FindOpenSession(event.event);
  if (WhenOf(event) <= at_) {
    Count(event.event);
    Fold(event);
  } else if (MayHaveMore()) {
    NoteEnded(event.event);
  }
}

void PastClient::Fold(const JournalEvent& event) {
  for (const ChannelId channel : LedgerChannelsOf(event.event)) {
    if (channel.value == 0) {
      state_.Fold(event.id, event.event);
    } else {
      entries_[channel].Fold(event.id, event.event, channel);
    }
  }
  if (event.event.has_session_closed()) session_.reset();
  if (!event.event.has_session_opened()) return;
  const store::SessionOpened& opened = event.event.session_opened();
  // One that goes on counts on.
  const bool resumed = event.event.session() == last_session_;
  last_session_ = event.event.session();
  if (!resumed) ended_ = 0;
  session_ = {.id = last_session_,
              .transport = opened.transport(),
              .protocol = opened.protocol(),
              .remote_address = opened.remote_address(),
              .opened_at = WhenOf(event),
              .window = opened.window()};
  acked_ = 0;
}

void PastClient::Count(const store::Event& event) {
  for (const auto& part : event.failed().channels()) ended_ += EndedOf(part.runs());
  ended_ += EndedOf(event.unsubscribed().in_flight());
  for (const auto& part : event.acked().channels()) {
    const bool unparked = part.replay() == 0;  // what a replay unparked is in `replayed`
    acked_ += CountOf(part.runs()) + CountOf(part.replayed()) +
              (unparked ? static_cast<std::uint64_t>(part.unparked_size()) : 0);
    ended_ += EndedOf(part.in_flight()) + CountOf(part.replayed());
    for (const store::SentRun& run : part.runs()) {
      for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
        if (!HadEnded({{part.channel()}, {seq}}, {.number = run.attempt()})) ++ended_;
      }
    }
  }
}

void PastClient::NoteEnded(const store::Event& event) {
  // A server that was killed closes nothing: then the client's next session ends it.
  if (event.has_session_closed() || event.has_session_opened()) session_over_ = true;
  for (const auto& part : event.failed().channels()) NoteRuns({part.channel()}, part.runs());
  for (const auto& part : event.acked().channels()) {
    NoteRuns({part.channel()}, part.runs());
    NoteRuns({part.channel()}, part.in_flight());
  }
  if (!event.has_unsubscribed()) return;
  const ChannelId channel{event.unsubscribed().channel()};
  NoteRuns(channel, event.unsubscribed().in_flight());
  channels_over_.insert(channel);
}

void PastClient::AddInFlight(const std::vector<AckWindow::Sent>& now) {
  if (!MayHaveMore()) return;
  for (const AckWindow::Sent& sent : now) {
    if (!channels_over_.contains(sent.key.channel)) {
      NoteAttempt(sent.key, {sent.attempt, sent.sent_at, sent.went_on});
    }
  }
}

template <typename Runs>
void PastClient::NoteRuns(ChannelId channel, const Runs& runs) {
  if (channels_over_.contains(channel)) return;
  for (const store::SentRun& run : runs) {
    for (std::uint64_t seq = run.first(); seq <= run.last(); ++seq) {
      NoteAttempt({channel, {seq}}, {run.attempt(), FromUnixMs(run.sent_at_ms()), run.went_on()});
    }
  }
}

void PastClient::NoteAttempt(const DeliveryKey& key, const Attempt& attempt) {
  if (attempt.sent_at > at_ || HadEnded(key, attempt)) return;
  const bool noted = in_flight_.try_emplace(key, attempt).second;
  if (noted && attempt.went_on && ended_ > 0) --ended_;
}

bool PastClient::HadEnded(const DeliveryKey& key, const Attempt& attempt) const {
  const auto entry = entries_.find(key.channel);
  if (entry == entries_.end() || !entry->second.subscribed()) return true;
  if (entry->second.IsSettled(key.seq)) return true;
  const auto retry = entry->second.retries().find(key.seq);
  if (retry == entry->second.retries().end()) return false;
  const std::uint32_t failed = retry->second.attempts;
  return attempt.went_on ? failed > attempt.number : failed >= attempt.number;
}

LedgerEntry PastClient::Entry(ChannelId channel) const {
  const auto found = entries_.find(channel);
  return found == entries_.end() ? LedgerEntry() : found->second;
}

}  // namespace ackwire
