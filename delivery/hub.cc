#include "delivery/hub.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "delivery/client_homes.h"
#include "delivery/session.h"
#include "store/crash_point.h"
#include "store/failures.h"

namespace ackwire {
namespace {

// Sessions whose last events go to the writer together.
constexpr std::size_t kEndingsAtOnce = 4;

std::size_t BytesOf(const CommittedGroup& group) {
  std::size_t bytes = group.record.ByteSizeLong();
  for (const StoredMessage& stored : group.messages) bytes += stored.message.payload().size();
  return bytes;
}

}  // namespace

Hub::Hub(IoLoop& loop, Dependencies dependencies)
    : loop_(loop),
      deps_(std::move(dependencies)),
      rng_(deps_.seed),
      wake_timer_(loop_.MakeTimer()),
      receipts_(deps_.store.derived().last_number(),
                [this](ChannelId channel) { ReadMembers(channel); }),
      receipts_timer_(loop_.MakeTimer()),
      flush_timer_(loop_.MakeTimer()) {}

Hub::~Hub() = default;

void Hub::Post(std::function<void()> job) const { loop_.Post(std::move(job)); }

Offered Hub::Offer(const SharedGroup& group) {
  const std::size_t bytes = BytesOf(*group);
  const std::size_t waiting = offered_bytes_.load();
  if (waiting > 0 && waiting + bytes > kOfferedBytesMax) {
    relay_waits_ = true;
    // The thread may have caught up since: then nobody else would wake the relay.
    if (offered_bytes_.load() > 0) return Offered::kFull;
    relay_waits_ = false;
  }
  offered_bytes_ += bytes;
  Post([this, group, bytes] {
    OnGroup(*group);
    offered_bytes_ -= bytes;
    if (offered_bytes_ < kOfferedBytesMax / 2 && relay_waits_.exchange(false)) wake_relay_();
  });
  return Offered::kTaken;
}

void Hub::OnGroup(const CommittedGroup& group) {
  OnMessages(group);
  for (int i = 0; i < group.record.events_size(); ++i) {
    const store::Event& event = group.record.events(i);
    const EventId id = EventId::Of(group.number, static_cast<std::uint64_t>(i));
    if (event.has_subscribed()) OnSubscribed(id, event);
    if (event.has_removed()) OnRemoved(event.removed());
  }
  receipts_.OnGroup(group);
  ArmReceipts();
}

void Hub::OnMessages(const CommittedGroup& group) {
  std::set<Session*> touched;
  for (const StoredMessage& stored : group.messages) {
    const auto listeners = by_channel_.find(stored.channel);
    if (listeners == by_channel_.end()) continue;
    (void)cache_.Put(stored, FormsWanted());
    for (Session* session : listeners->second) {
      session->OnMessage(stored.channel, stored.seq());
      touched.insert(session);
    }
  }
  for (Session* session : touched) session->Changed();
}

void Hub::OnRemoved(const store::Removed& removed) {
  const SeqRuns seqs = SeqRunsOf(removed.runs());
  cache_.Forget({removed.channel()}, seqs);
  if (reads_ == 0) return;
  for (const SeqRun& run : seqs.runs()) removed_meanwhile_[{removed.channel()}].Add(run);
}

void Hub::OnSubscribed(EventId id, const store::Event& event) {
  const auto found = by_client_.find(event.client());
  if (found == by_client_.end()) return;
  const auto& subscribed = event.subscribed();
  const ChannelId channel{subscribed.channel()};
  found->second->OnSubscribed(
      {.client = event.client(),
       .channel = channel,
       .channel_name = subscribed.channel_name(),
       .entry = LedgerEntry(Seq{subscribed.start()}, FromUnixMs(event.at_ms())),
       .last = deps_.store.derived().LastOf(channel)},
      id);
}

void Hub::Add(const std::shared_ptr<Session>& session) {
  sessions_.insert(session);
  ++sessions_of_[static_cast<std::size_t>(session->form())];
  if (drain_ != nullptr) drain_->Added(*session);
}

void Hub::Opened(Session& session) {
  if (drain_ != nullptr) drain_->Opened(session);
}

MessageCache::Forms Hub::FormsWanted() const {
  MessageCache::Forms forms{};
  for (std::size_t i = 0; i < forms.size(); ++i) forms[i] = sessions_of_[i] > 0;
  return forms;
}

void Hub::Claimed(Session& session) {
  by_client_[session.client()] = &session;
  by_id_[session.id()] = &session;
}

Session* Hub::FindSession(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found != by_id_.end() && found->second->open() ? found->second : nullptr;
}

void Hub::Listen(Session& session, ChannelId channel) { by_channel_[channel].insert(&session); }

void Hub::Unlisten(Session& session, ChannelId channel) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end()) return;
  found->second.erase(&session);
  if (found->second.empty()) by_channel_.erase(found);
}

const Hub::Listeners& Hub::ListenersOf(ChannelId channel) const {
  static const Listeners kNone;
  const auto found = by_channel_.find(channel);
  return found == by_channel_.end() ? kNone : found->second;
}

void Hub::Remove(Session& session) {
  if (session.has_ledger()) {
    for (const auto& [channel, feed] : session.ledger().feeds()) Unlisten(session, channel);
  }
  const auto claimed = by_client_.find(session.client());
  if (claimed != by_client_.end() && claimed->second == &session) by_client_.erase(claimed);
  const auto named = by_id_.find(session.id());
  if (named != by_id_.end() && named->second == &session) by_id_.erase(named);
  const auto wake = wake_of_.find(&session);
  if (wake != wake_of_.end()) {
    wakes_.erase({wake->second, &session});
    wake_of_.erase(wake);
  }
  dirty_.erase(&session);
  receipts_.Remove(session);
  const auto self = session.shared_from_this();
  if (sessions_.erase(self) > 0) --sessions_of_[static_cast<std::size_t>(session.form())];
  if (drain_ != nullptr) drain_->Removed(session);
}

void Hub::WakeAt(Session& session, Timestamp time) {
  const auto [found, added] = wake_of_.try_emplace(&session, time);
  if (!added) {
    if (found->second == time) return;
    wakes_.erase({found->second, &session});
    found->second = time;
  }
  const bool first = wakes_.empty() || time < wakes_.begin()->first;
  wakes_.insert({time, &session});
  if (first) wake_timer_->Arm(std::max(time - now(), Duration(0)), [this] { OnTime(); });
}

void Hub::OnTime() {
  // First all that are due, then their turns: what one sets anew, or ends, is not this loop's.
  std::vector<std::shared_ptr<Session>> due;
  for (const Timestamp time = now(); !wakes_.empty() && wakes_.begin()->first <= time;) {
    Session* session = wakes_.begin()->second;
    wakes_.erase(wakes_.begin());
    wake_of_.erase(session);
    due.push_back(session->shared_from_this());
  }
  for (const auto& session : due) session->OnTime();
  if (wakes_.empty()) return;
  wake_timer_->Arm(std::max(wakes_.begin()->first - now(), Duration(1)), [this] { OnTime(); });
}

void Hub::MarkDirty(Session& session) {
  dirty_.insert(&session);
  if (flush_armed_ || flushing_) return;
  flush_armed_ = true;
  flush_timer_->Arm(kJournalFlushInterval, [this] { FlushJournal(); });
}

void Hub::FlushJournal() {
  flush_armed_ = false;
  flushing_ = true;
  JournalWork work;
  for (Session* session : std::exchange(dirty_, {})) {
    for (store::Event& event : session->TakeEvents()) work.events.push_back(std::move(event));
    auto ids = session->TakeConfirms();
    if (!ids.empty()) confirming_.emplace_back(session->weak_from_this(), std::move(ids));
  }
  // A confirmation without an event here may wait for one that SubmitEvents took: the writer
  // answers in order, so an empty work is answered once that is on disk.
  if (work.events.empty() && confirming_.empty()) return OnFlushed(Recorded{});
  Count(work.events);
  CrashPoint(crash::kBeforeJournal);
  work.done = Posting<StatusOr<Recorded>>([this](const auto& outcome) { OnFlushed(outcome); });
  deps_.store.Submit(std::move(work));
}

void Hub::OnFlushed(const StatusOr<Recorded>& outcome) {
  flushing_ = false;
  CrashPoint(crash::kAfterJournal);
  if (!outcome.ok()) {
    spdlog::error("what clients did could not be put on record: {}", MessageOf(outcome.status()));
  }
  for (const auto& [weak, ids] : std::exchange(confirming_, {})) {
    const auto session = weak.lock();
    if (session != nullptr && outcome.ok()) session->Confirm(ids);
  }
  if (dirty_.empty() || flush_armed_) return;
  flush_armed_ = true;
  flush_timer_->Arm(kJournalFlushInterval, [this] { FlushJournal(); });
}

void Hub::EndInTurn(std::function<void()> end) {
  ends_.push_back(std::move(end));
  if (ends_.size() == 1) Post([this] { EndNext(); });
}

void Hub::EndNext() {
  ends_.front()();
  ends_.pop_front();
  if (!ends_.empty()) Post([this] { EndNext(); });
}

void Hub::SubmitEnding(std::vector<store::Event> events, RecordedDone done) {
  endings_.push_back({std::move(events), std::move(done)});
  if (!recording_endings_) RecordEndings();
}

void Hub::RecordEndings() {
  recording_endings_ = !endings_.empty();
  if (!recording_endings_) return;
  std::vector<store::Event> events;
  std::vector<RecordedDone> told;
  while (!endings_.empty() && told.size() < kEndingsAtOnce) {
    Ending ending = std::move(endings_.front());
    endings_.pop_front();
    std::move(ending.events.begin(), ending.events.end(), std::back_inserter(events));
    told.push_back(std::move(ending.done));
  }
  SubmitEvents(std::move(events), [this, told = std::move(told)](const auto& recorded) {
    for (const RecordedDone& done : told) done(recorded);
    RecordEndings();
  });
}

void Hub::SubmitEvents(std::vector<store::Event> events, RecordedDone done) {
  Count(events);
  JournalWork work;
  work.events = std::move(events);
  work.done = Posting<StatusOr<Recorded>>(std::move(done));
  deps_.store.Submit(std::move(work));
}

void Hub::Count(const std::vector<store::Event>& events) {
  const auto seqs = [](const auto& runs) {
    std::uint64_t count = 0;
    for (const auto& run : runs) count += run.last() - run.first() + 1;
    return count;
  };
  for (const store::Event& event : events) {
    for (const auto& part : event.acked().channels()) {
      const std::uint64_t acked = seqs(part.runs()) + seqs(part.replayed()) +
                                  static_cast<std::uint64_t>(part.unparked_size());
      deps_.metrics.DeliveriesAcked(acked);
      deps_.metrics.AttemptEnded("acked", acked);
    }
    // Which of these are parked is the writer's to say, and they are counted when it has.
    if (event.abandoned().unparked_size() > 0) continue;
    const Failing failing = FailingOf(event);
    std::uint64_t failed = 0;
    for (const Failing::Run& run : failing.runs) failed += run.seqs.length();
    if (failed == 0) continue;
    const auto reason = static_cast<v1::Reason>(failing.reason);
    deps_.metrics.DeliveriesFailed(reason, failed);
    if (event.has_failed()) {
      deps_.metrics.AttemptEnded(reason == v1::REASON_RECALLED ? "recalled" : "failed", failed);
    }
  }
}

void Hub::Read(const ReadAhead& what, std::function<void(const Status&)> done) {
  constexpr std::size_t kReadMessagesMax = 128;
  using Messages = StatusOr<std::vector<StoredMessage>>;
  ++reads_;
  auto arrived = Posting<Messages>([this, done = std::move(done)](const Messages& messages) {
    if (messages.ok()) Keep(*messages);
    if (--reads_ == 0) removed_meanwhile_.clear();
    done(messages.status());
  });
  const ReadRange range{.from = what.key.seq.value,
                        .messages_max = std::min(what.messages_max, kReadMessagesMax)};
  deps_.read([&log = deps_.store.log(), channel = what.key.channel, range, arrived] {
    arrived(log.ReadChannel(channel, range));
  });
}

// Whoever wants what was removed since it was read reads it again.
void Hub::Keep(const std::vector<StoredMessage>& read) {
  for (const StoredMessage& stored : read) {
    const auto removed = removed_meanwhile_.find(stored.channel);
    if (removed != removed_meanwhile_.end() && removed->second.Contains(stored.seq())) continue;
    (void)cache_.Put(stored, FormsWanted());
  }
}

void Hub::ShutAll(std::uint16_t code, const std::string& reason) {
  const std::set<std::shared_ptr<Session>> all = sessions_;
  for (const auto& session : all) session->Shut(code, reason);
  // Nobody publishes any more, and the loop may end before the next part's turn.
  while (!endings_.empty()) RecordEndings();
}

void Hub::Drain(SessionDrain::Order order) {
  drain_ = std::make_unique<SessionDrain>(*this, loop_.MakeTimer(), std::move(order));
}

void Hub::RenewPolicies() {
  const std::set<std::shared_ptr<Session>> all = sessions_;
  for (const auto& session : all) session->RenewPolicies();
}

ClientDirectory::Owner Hub::OwnerOf(Session& session) const {
  return {session.weak_from_this(), [this](std::function<void()> job) { Post(std::move(job)); }};
}

}  // namespace ackwire
