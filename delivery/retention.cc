#include "delivery/retention.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/proto_time.h"

namespace ackwire {
namespace {

constexpr std::size_t kChannelsAtOnce = 1000;
constexpr std::size_t kMemberPage = 1000;
constexpr std::size_t kMessagesAtOnce = 1024;
// So many of a channel, then it is the next one's turn.
constexpr std::uint64_t kTrimmedAtOnceMax = 65'536;
// To see what is parked of what is kept for it takes a look at all of the channel's clients.
constexpr Duration kLookAtKeptEvery{20'000};

std::uint64_t BytesOf(const StoredMessage& stored) { return stored.message.payload().size(); }

}  // namespace

void Retention::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Retention::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Retention::stopping() const {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Retention::Run() {
  Duration rest = kRetentionInterval;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, rest, [this] { return stopping_; })) return;
    }
    const Timestamp begun = deps_.clock.Now();
    if (deps_.policies.keeps_not_all()) Pass();
    constexpr int kShare = 20;  // of the time, where looking at very many channels takes a while
    constexpr Duration kRestMax{10'000};
    rest = std::clamp<Duration>(kShare * (deps_.clock.Now() - begun), kRetentionInterval, kRestMax);
  }
}

void Retention::Pass() {
  std::string after;
  while (!stopping()) {
    const std::vector<ChannelInfo> channels =
        deps_.store.derived().Read([&after](const DerivedView& view) {
          return view.channels.List({.prefix = "", .after = after, .limit = kChannelsAtOnce});
        });
    if (channels.empty()) break;
    after = channels.back().name;
    for (const ChannelInfo& channel : channels) {
      if (stopping()) return;
      LookAt(channel, deps_.policies.For(channel.name)->keeping);
    }
  }
  first_pass_ = false;
  // Stubs lie over what was removed until RocksDB writes its tables anew, for which a server that
  // takes no messages gives it no reason.
  if (removed_up_to_.value == 0 || deps_.store.CheckFreeDisk().ok()) return;
  deps_.store.eraser().MakeRoomSoon(std::exchange(removed_up_to_, {}));
}

void Retention::LookAt(const ChannelInfo& channel, const Keeping& keeping) {
  Status status;
  // An earlier life may have ended before all were told.
  if (first_pass_ && channel.first.value > 1) {
    Remover::Order told{channel.id, {}, {.reason = v1::REASON_RETENTION}};
    told.seqs.Add({Seq{1}, Seq{channel.first.value - 1}});
    status.Update(Await([&](auto done) { deps_.remover.Tell(told, std::move(done)); }));
  }
  if (keeping.limited()) status.Update(Trim(channel, keeping));
  if (keeping.subscription) status.Update(ExpireSubscriptions(channel, *keeping.subscription));
  if (status.ok()) return;
  looked_.erase(channel.id);  // looked at anew the next time
  spdlog::warn("retention of {}: {}", channel.name, MessageOf(status));
}

Status Retention::Trim(const ChannelInfo& channel, const Keeping& keeping) {
  Looked& looked = looked_[channel.id];
  if (looked.next < channel.first && looked.kept.empty()) {
    looked.next = channel.first;
    looked.counted = Seq{channel.first.value - 1};
    looked.bytes = 0;
  }
  StatusOr<Seq> last_to_go = LastToGo(channel, keeping, looked);
  if (!last_to_go.ok()) return last_to_go.status();
  const Timestamp now = deps_.clock.Now();
  SeqRuns going;
  const bool looks_at_kept = now >= looked.kept_until;
  if (looks_at_kept) going = looked.kept;
  if (looked.next <= *last_to_go) going.Add({looked.next, *last_to_go});
  if (going.empty()) return OkStatus();
  StatusOr<SeqRuns> parked = ParkedOf(channel.id, going);
  if (!parked.ok()) return parked.status();
  if (!parked->empty()) {
    const SeqRun all{parked->runs().front().first, parked->runs().back().last};
    const StatusOr<Seq> too_old = LastBefore(channel.id, all, now - keeping.parked_age);
    if (!too_old.ok()) return too_old.status();
    parked->DropUpTo(*too_old);
  }
  SeqRuns removed = going;
  for (const SeqRun& run : parked->runs()) (void)removed.Remove(run);
  if (!removed.empty()) {
    const Remover::Order order{channel.id, removed, {.reason = v1::REASON_RETENTION}};
    const Status status = Await([&](auto done) { deps_.remover.Remove(order, std::move(done)); });
    if (!status.ok()) return status;
    const Seq last = removed.runs().back().last;
    const auto at = deps_.store.log().Positions(channel.id, {last, last});
    if (at.ok() && !at->empty()) removed_up_to_ = std::max(removed_up_to_, at->front());
  }
  for (const SeqRun& run : going.runs()) (void)looked.kept.Remove(run);
  for (const SeqRun& run : parked->runs()) looked.kept.Add(run);
  if (looks_at_kept) looked.kept_until = now + kLookAtKeptEvery;
  const std::uint64_t gone = last_to_go->value + 1 - looked.next.value;
  if (gone > 0 && gone < kTrimmedAtOnceMax) looked.pace.Trimmed(now);
  looked.next = Seq{last_to_go->value + 1};
  return OkStatus();
}

Status Retention::CountBytes(const ChannelInfo& channel, const Keeping& keeping,
                             Looked& looked) const {
  if (!keeping.bytes) {
    looked.counted = Seq{looked.next.value - 1};
    looked.bytes = 0;
    return OkStatus();
  }
  while (looked.counted < channel.last && !stopping()) {
    const auto read = deps_.store.log().ReadChannel(
        channel.id, {.from = looked.counted.value + 1, .messages_max = kMessagesAtOnce});
    if (!read.ok()) return read.status();
    if (read->empty()) break;
    for (const StoredMessage& stored : *read) looked.bytes += BytesOf(stored);
    looked.counted = read->back().seq();
  }
  return OkStatus();
}

StatusOr<Seq> Retention::LastToGo(const ChannelInfo& channel, const Keeping& keeping,
                                  Looked& looked) const {
  Seq last_to_go{looked.next.value - 1};
  if (looked.next > channel.last) return last_to_go;
  if (Status counted = CountBytes(channel, keeping, looked); !counted.ok()) return counted;
  TrimPace::Channel has;
  if (keeping.messages) has.messages = {channel.last.value - last_to_go.value, *keeping.messages};
  if (keeping.bytes) has.bytes = {looked.bytes, *keeping.bytes};
  const Timestamp now = deps_.clock.Now();
  if (!looked.pace.Due(now, has)) return last_to_go;
  if (keeping.messages && channel.last.value > *keeping.messages) {
    last_to_go = std::max(last_to_go, Seq{channel.last.value - *keeping.messages});
  }
  if (keeping.age) {
    const StatusOr<Seq> old =
        LastBefore(channel.id, {looked.next, channel.last}, now - *keeping.age);
    if (!old.ok()) return old.status();
    last_to_go = std::max(last_to_go, *old);
  }
  last_to_go = std::min(last_to_go, Seq{looked.next.value + kTrimmedAtOnceMax - 1});
  if (!keeping.bytes) return last_to_go;
  return LastForBytes(channel, *keeping.bytes, last_to_go, looked);
}

StatusOr<Seq> Retention::LastBefore(ChannelId channel, SeqRun run, Timestamp time) const {
  Seq before{run.first.value - 1};  // this one is older, or not of the run
  std::uint64_t after = run.last.value + 1;
  // The first look is at the oldest: most often it may stay.
  for (std::uint64_t at = run.first.value; before.value + 1 < after;
       at = before.value + (after - before.value) / 2) {
    const StatusOr<StoredMessage> stored = deps_.store.log().ReadSeq(channel, {at});
    if (!stored.ok()) return stored.status();
    if (TimeOf(stored->message.published_at()) <= time) {
      before = {at};
    } else {
      after = at;
    }
  }
  return before;
}

StatusOr<Seq> Retention::LastForBytes(const ChannelInfo& channel, std::uint64_t limit,
                                      Seq last_to_go, Looked& looked) const {
  // From the oldest on, until the rest is no more than the limit.
  for (Seq at = looked.next; at <= looked.counted && !stopping();) {
    const bool enough = at > last_to_go && looked.bytes <= limit;
    if (enough || at.value - looked.next.value >= kTrimmedAtOnceMax) break;
    const auto read = deps_.store.log().ReadChannel(
        channel.id, {.from = at.value, .messages_max = kMessagesAtOnce});
    if (!read.ok()) return read.status();
    if (read->empty()) break;
    for (const StoredMessage& stored : *read) {
      if (stored.seq() > last_to_go && looked.bytes <= limit) break;
      looked.bytes -= BytesOf(stored);
      last_to_go = std::max(last_to_go, stored.seq());
      at = {stored.seq().value + 1};
    }
  }
  return last_to_go;
}

StatusOr<SeqRuns> Retention::ParkedOf(ChannelId channel, const SeqRuns& seqs) const {
  SeqRuns parked;
  std::string after;
  while (true) {
    const auto members =
        deps_.store.ledger().Members(channel, {.after = after, .limit = kMemberPage});
    if (!members.ok()) return members.status();
    if (members->empty()) return parked;
    after = members->back();
    for (const std::string& client : *members) {
      const StatusOr<LedgerEntry> entry = deps_.store.ledger().Entry(client, channel);
      if (!entry.ok()) return entry.status();
      if (entry->parked() == 0) continue;
      const StatusOr<SeqRuns> found = deps_.store.ledger().ParkedOf(client, channel, seqs);
      if (!found.ok()) return found.status();
      for (const SeqRun& each : found->runs()) parked.Add(each);
    }
  }
}

Status Retention::ExpireSubscriptions(const ChannelInfo& channel, Duration after) {
  // Who was connected when a server was killed has time to come back: that is not on record.
  constexpr Duration kTimeToComeBack = std::chrono::hours(1);
  const Timestamp now = deps_.clock.Now();
  if (now < started_at_ + std::min(after, kTimeToComeBack)) return OkStatus();
  const Unseen unseen{after, now - after};
  NextToExpire& next = looked_[channel.id].next_to_expire;
  if (next.NeedsLook(unseen.since)) {
    next.Begin(now);
    return LookAtSubscribers(channel, unseen, next);
  }
  while (!stopping()) {
    const std::optional<std::string> client = next.Take(unseen.since);
    if (!client) break;
    const Status status = ExpireIfUnseen(*client, channel, unseen, next);
    if (!status.ok()) return status;
  }
  return OkStatus();
}

Status Retention::LookAtSubscribers(const ChannelInfo& channel, Unseen unseen,
                                    NextToExpire& next) const {
  std::string behind;
  while (!stopping()) {
    const auto members =
        deps_.store.ledger().Members(channel.id, {.after = behind, .limit = kMemberPage});
    if (!members.ok()) return members.status();
    if (members->empty()) break;
    behind = members->back();
    for (const std::string& client : *members) {
      const Status status = ExpireIfUnseen(client, channel, unseen, next);
      if (!status.ok()) return status;
    }
  }
  next.End();
  return OkStatus();
}

Status Retention::ExpireIfUnseen(const std::string& client, const ChannelInfo& channel,
                                 Unseen unseen, NextToExpire& next) const {
  const StatusOr<ClientState> state = deps_.store.ledger().Client(client);
  if (!state.ok()) return state.status();
  Timestamp seen = state->last_seen_at;
  if (seen <= unseen.since) {
    StatusOr<LedgerEntry> entry = deps_.store.ledger().Entry(client, channel.id);
    if (!entry.ok()) return entry.status();
    if (entry->subscribed() && entry->created_at() <= unseen.since) {
      const Status status = Await([&](auto done) {
        deps_.homes.Expire(client, channel.name, unseen.since, std::move(done));
      });
      if (!status.ok()) return status;
      entry = deps_.store.ledger().Entry(client, channel.id);
      if (!entry.ok()) return entry.status();
    }
    if (!entry->subscribed()) return OkStatus();
    seen = entry->created_at();
    // Who still is, is connected, which is not on record: sooner or later that ends.
    constexpr Duration kLookAgainAfter = std::chrono::hours(1);
    if (seen <= unseen.since) seen = unseen.since + std::min(unseen.after, kLookAgainAfter);
  }
  next.Saw(client, seen);
  return OkStatus();
}

Status Retention::Await(const Ask& ask) {
  auto answer = std::make_shared<std::promise<Status>>();
  ask([answer](const Status& status) { answer->set_value(status); });
  return answer->get_future().get();
}

}  // namespace ackwire
