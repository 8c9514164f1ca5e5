#include "store/writer.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "store/check.h"
#include "store/crash_point.h"
#include "store/keys.h"
#include "store/limits.h"
#include "store/message_id.h"
#include "store/proto_time.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/staged_group.h"
#include "store/stub.h"

namespace ackwire {
namespace {

Published OutcomeOf(const v1::Message& message, bool duplicate) {
  return {.seq = {message.seq()},
          .position = {message.position()},
          .message_id = message.message_id(),
          .published_at = TimeOf(message.published_at()),
          .duplicate = duplicate};
}

Seq StartOf(const StartAt& start, const StagedGroup::Channel& channel) {
  const Seq next{channel.last.value + 1};
  switch (start.kind) {
    case StartAt::Kind::kFirst:
      return channel.first;
    case StartAt::Kind::kSeq:
      return std::clamp(start.seq, channel.first, next);
    case StartAt::Kind::kNew:
      break;
  }
  return next;
}

// Another thread encoded it, and its bytes are in that core's cache.
void Prefetch(const Work& work) {
  constexpr std::size_t kCacheLineBytes = 64;
  const auto* publish = std::get_if<PublishWork>(&work);
  if (publish == nullptr) return;
  const std::size_t bytes = std::min(publish->encoded.size(), 16 * kCacheLineBytes);
  for (std::size_t at = 0; at < bytes; at += kCacheLineBytes) {
    __builtin_prefetch(publish->encoded.data() + at);
  }
}

// A work by which subscriptions end: its first event, and what came of it.
struct Ending {
  EventId first;
  Recorded* recorded = nullptr;
};

// An end abandons what is owed up to the last message of its commit, whoever published that.
void CountAbandoned(const CommittedGroup& group, const Ending& ending) {
  for (std::uint64_t i = ending.first.index(); i <= ending.recorded->ended.index(); ++i) {
    const store::Event& event = group.record.events(static_cast<int>(i));
    ending.recorded->abandoned += event.unsubscribed().undelivered();
  }
}

}  // namespace

Writer::Writer(const Dependencies& dependencies)
    : deps_(dependencies),
      ids_(deps_.database, deps_.derived),
      log_rows_(deps_.database),
      batch_(std::make_unique<rocksdb::WriteBatch>()) {}

Writer::~Writer() = default;

StatusOr<SharedGroup> Writer::Commit(std::span<Work> works) {
  if (Status status = WaitForRoom(); !status.ok()) return status;
  const Status disk = LookAtDisk();
  StagedGroup staged({deps_.derived, deps_.ledger}, deps_.clock.Now(), works.size());
  for (Work& work : works) Prepare(work);
  ids_.LookUp(works);
  batch_->Clear();
  std::vector<Ending> endings;
  constexpr std::size_t kAhead = 4;
  for (std::size_t i = 0; i < works.size(); ++i) {
    Work& work = works[i];
    if (i + kAhead < works.size()) Prefetch(works[i + kAhead]);
    if (auto* publish = std::get_if<PublishWork>(&work)) {
      publish->outcome = disk.ok() ? Publish(*publish, ids_[i], staged) : StatusOr<Published>(disk);
    } else if (auto* subscribe = std::get_if<SubscribeWork>(&work)) {
      subscribe->outcome = Subscribe(*subscribe, staged);
    } else if (auto* remove = std::get_if<RemoveWork>(&work)) {
      Remove(*remove, staged);
    } else {
      auto& journal = std::get<JournalWork>(work);
      const EventId first = staged.NextEventId();
      journal.outcome = Record(journal, staged);
      if (journal.outcome.ok() && journal.outcome->ended.value != 0) {
        endings.push_back({first, &*journal.outcome});
      }
    }
  }
  const SharedGroup group = staged.Finish();
  if (group == nullptr) return group;
  for (const Ending& ending : endings) CountAbandoned(*group, ending);
  CrashPoint(crash::kBeforeBatch);
  if (Status status = WriteGroup(*group); !status.ok()) return status;
  CrashPoint(crash::kAfterSync);
  deps_.derived.Apply(group);
  if (Status status = deps_.watermark.Committed(group->last, group->number); !status.ok()) {
    return status;
  }
  return group;
}

// It may take long: the watermark must not be behind meanwhile.
Status Writer::WaitForRoom() {
  if (!deps_.derived.HasRoom()) {
    if (Status status = deps_.watermark.CatchUp(); !status.ok()) return status;
  }
  return deps_.derived.WaitForRoom();
}

Status Writer::LookAtDisk() {
  Status disk = CheckFreeDisk();
  const bool was_full = std::exchange(disk_full_, !disk.ok());
  if (was_full != disk_full_ && deps_.disk_changed) deps_.disk_changed(disk);
  return disk;
}

Status Writer::CheckFreeDisk() const {
  if (deps_.min_free_bytes == 0) return OkStatus();
  const StatusOr<std::uint64_t> free = deps_.database.FreeBytes();
  if (!free.ok()) return free.status();
  if (*free >= deps_.min_free_bytes) return OkStatus();
  return DiskFull("the disk of the data directory has " + std::to_string(*free) +
                  " bytes free, fewer than --min-free-bytes (" +
                  std::to_string(deps_.min_free_bytes) +
                  "); make room, and publishing goes on by itself");
}

StatusOr<Published> Writer::Publish(PublishWork& work, const StoredIds::Id& id,
                                    StagedGroup& staged) {
  const std::string& channel_name = work.draft.channel();
  StagedGroup::Channel* channel =
      id.channel == nullptr ? staged.Find(channel_name) : &staged.Of(*id.channel);
  const StagedGroup::Channel none;
  const StagedGroup::Channel& now = channel == nullptr ? none : *channel;
  const bool has_id = !work.draft.message_id().empty();
  if (has_id && channel != nullptr) {
    const StatusOr<std::optional<Published>> found = FindDuplicate(work, now.id, id, staged);
    if (!found.ok()) return found.status();
    if (found->has_value()) return **found;
  }
  if (work.expected_seq && *work.expected_seq != now.last) {
    return Error(StatusCode::kAborted, "expected_seq: the last seq of " + channel_name + " is " +
                                           std::to_string(now.last.value) + ", expected " +
                                           std::to_string(work.expected_seq->value));
  }
  if (work.draft.refers_to() != 0) {
    if (Status status = CheckReference(work, now, staged); !status.ok()) return status;
  }
  if (!has_id) work.draft.set_message_id(MakeUuidV7(staged.now(), deps_.rng));
  SetTime(*work.draft.mutable_published_at(), staged.now());
  if (work.ttl) SetTime(*work.draft.mutable_expires_at(), staged.now() + *work.ttl);
  if (!has_id) work.id_hash = keys::HashOfId(work.draft.message_id());
  StagedGroup::Channel& to = channel == nullptr ? staged.FindOrAdd(channel_name) : *channel;
  const StoredMessage& stored = staged.Add(to, std::move(work.draft), work.id_hash);
  log_rows_.Put(*batch_, stored, work.encoded, has_id ? IdOrigin::kDraft : IdOrigin::kWriter);
  return OutcomeOf(stored.message, false);
}

StatusOr<std::optional<Published>> Writer::FindDuplicate(const PublishWork& work, ChannelId channel,
                                                         const StoredIds::Id& id,
                                                         const StagedGroup& staged) const {
  const v1::Message& draft = work.draft;
  StoredMessage stored;
  const v1::Message* earlier = staged.FindById({channel, work.id_hash});
  if (earlier == nullptr) {
    if (!id.status.ok()) return id.status;
    if (id.position.value == 0) return std::optional<Published>();
    StatusOr<std::optional<StoredMessage>> read =
        deps_.log.ReadId(channel, draft.message_id(), id.position);
    if (!read.ok()) return read.status();
    if (!read->has_value()) return std::optional<Published>();
    stored = **std::move(read);
    earlier = &stored.message;
  }
  const bool same = earlier->payload() == draft.payload() && earlier->kind() == draft.kind() &&
                    earlier->refers_to() == draft.refers_to();
  if (same) return std::optional<Published>(OutcomeOf(*earlier, true));
  return Error(StatusCode::kAlreadyExists,
               "message_id: " + draft.message_id() + " is seq " + std::to_string(earlier->seq()) +
                   " of " + draft.channel() +
                   " already, with another payload; a new message takes a new id");
}

Status Writer::CheckReference(const PublishWork& work, const StagedGroup::Channel& channel,
                              StagedGroup& staged) const {
  const Seq seq{work.draft.refers_to()};
  if (seq > channel.last) {
    return Error(StatusCode::kNotFound, "refers_to: no seq " + std::to_string(seq.value) + " in " +
                                            work.draft.channel() + ", whose last is " +
                                            std::to_string(channel.last.value));
  }
  v1::Message stored;
  const v1::Message* original = staged.FindBySeq(channel.id, seq);
  if (original == nullptr) {
    StatusOr<StoredMessage> read = deps_.log.ReadSeq(channel.id, seq);
    if (!read.ok()) return read.status();
    stored = std::move(read->message);
    original = &stored;
  }
  if (IsStub(*original)) {
    return Error(StatusCode::kNotFound, "refers_to: seq " + std::to_string(seq.value) + " of " +
                                            work.draft.channel() + " is not stored any more");
  }
  if (original->kind() != v1::KIND_CREATED) {
    return Error(StatusCode::kFailedPrecondition,
                 "refers_to: seq " + std::to_string(seq.value) +
                     " is itself an edit or a withdrawal; name the message first published");
  }
  if (work.may_publish_as || original->sender() == work.draft.sender()) return OkStatus();
  return Error(StatusCode::kPermissionDenied,
               "refers_to: seq " + std::to_string(seq.value) + " was published by another sender");
}

StatusOr<std::vector<SubscriptionState>> Writer::Subscribe(const SubscribeWork& work,
                                                           StagedGroup& staged) {
  if (Status status = CheckSubscriptionLimit(work, staged); !status.ok()) return status;
  std::vector<SubscriptionState> states;
  states.reserve(work.requests.size());
  for (const SubscribeRequest& request : work.requests) {
    const StagedGroup::Channel channel = staged.FindOrAdd(request.channel);
    // CheckSubscriptionLimit has read both, so this does not fail half-way.
    const StatusOr<LedgerEntry*> entry = staged.Entry(request.client, channel.id);
    const StatusOr<ClientState*> client = staged.Client(request.client);
    if (!entry.ok()) return entry.status();
    if (!client.ok()) return client.status();
    const bool existed = (*entry)->subscribed();
    if (!existed) {
      store::Event event;
      event.set_client(request.client);
      event.set_at_ms(ToUnixMs(staged.now()));
      event.mutable_subscribed()->set_channel(channel.id.value);
      event.mutable_subscribed()->set_channel_name(request.channel);
      event.mutable_subscribed()->set_start(StartOf(request.start, channel).value);
      event.mutable_subscribed()->set_new_client(!(*client)->known);
      (*client)->known = true;
      ++(*client)->subscriptions;
      staged.AddSubscribed(std::move(event), **entry);
    }
    states.push_back({request.client, channel.id, request.channel, **entry, channel.last, existed});
  }
  return states;
}

Status Writer::TooManySubscriptions(const std::string& client, std::size_t has) const {
  return OverLimit("subscriptions: at most " + std::to_string(deps_.subscriptions_max) +
                   " for one client, and " + client + " has " + std::to_string(has));
}

Status Writer::CheckSubscriptionLimit(const SubscribeWork& work, StagedGroup& staged) {
  absl::flat_hash_map<std::string_view, absl::flat_hash_set<std::string_view>> added;
  for (const SubscribeRequest& request : work.requests) {
    const StatusOr<ClientState*> client = staged.Client(request.client);
    if (!client.ok()) return client.status();
    const StagedGroup::Channel* channel = staged.Find(request.channel);
    if (channel != nullptr) {
      const StatusOr<LedgerEntry*> entry = staged.Entry(request.client, channel->id);
      if (!entry.ok()) return entry.status();
      if ((*entry)->subscribed()) continue;
    }
    absl::flat_hash_set<std::string_view>& channels = added[request.client];
    channels.insert(request.channel);
    if ((*client)->subscriptions + channels.size() > deps_.subscriptions_max) {
      return TooManySubscriptions(request.client, (*client)->subscriptions);
    }
  }
  return OkStatus();
}

Status Writer::WriteGroup(const CommittedGroup& group) {
  CHECK(group.record.events_size() < static_cast<int>(EventId::kEventsMax),
        "a commit has fewer events than an EventId can count");
  rocksdb::WriteBatch& batch = *batch_;  // which has the log rows
  if (group.number.value != 0) {
    batch.Put(deps_.database.handle(Family::kJournal), keys::Journal(group.number),
              record::Seal(group.record));
  }
  store::OutboxRow row;
  row.set_last_position(group.last.value);
  if (!group.messages.empty()) row.set_first_position(group.messages.front().position().value);
  row.set_journal_number(group.number.value);
  row.set_at_ms(ToUnixMs(group.at));
  batch.Put(deps_.database.handle(Family::kOutbox), keys::Outbox(group.last, group.number),
            record::Seal(row));
  return deps_.database.Commit(batch);
}

}  // namespace ackwire
