// What the writer is asked to do, and what came of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ackwire/v1/message.pb.h"
#include "store/keys.h"
#include "store/ledger_entry.h"
#include "store/records.pb.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

// Callbacks run on the writer thread after the sync: they post, and do no work of their own.

struct Published {
  Seq seq;
  Position position;
  std::string message_id;
  Timestamp published_at{};
  bool duplicate = false;  // the fields above are those of the message stored before
};

// Publishes `draft`, which CheckDraft found good; seq, position, time and a missing message id are
// the writer's to fill in.
//   kAlreadyExists      the message id is stored with another payload
//   kAborted            the channel's last seq is another than `expected_seq`
//   kNotFound           the message referred to does not exist
//   kPermissionDenied   the message referred to is another sender's
struct PublishWork {
  v1::Message draft;
  std::optional<Duration> ttl;
  std::optional<Seq> expected_seq;
  bool may_publish_as = false;  // may edit and withdraw what others sent
  std::function<void(const StatusOr<Published>&)> done;

  // What Prepare computes of the draft.
  std::string encoded;     // empty until then
  keys::IdHash id_hash{};  // where the draft has a message id; else the writer's

  StatusOr<Published> outcome;  // kUnknown until processed
};

// Where a new subscription begins.
struct StartAt {
  enum class Kind { kNew, kFirst, kSeq };
  Kind kind = Kind::kNew;
  Seq seq;  // with kSeq
};

struct SubscribeRequest {
  std::string client;
  std::string channel;
  StartAt start;
};

struct SubscriptionState {
  std::string client;
  ChannelId channel;
  std::string channel_name;
  LedgerEntry entry;
  Seq last;  // of the channel
  bool existed = false;
};

// Makes subscriptions, all or none; one that exists stays as it is.
//   kResourceExhausted  a client would have more than Store::Options says
struct SubscribeWork {
  std::vector<SubscribeRequest> requests;
  std::function<void(const StatusOr<std::vector<SubscriptionState>>&)> done;

  StatusOr<std::vector<SubscriptionState>> outcome;  // kUnknown until processed
};

struct Recorded {
  std::uint64_t abandoned = 0;  // undelivered messages of subscriptions that ended
  EventId ended;                // the last of these ends; zero: there was none
  std::uint64_t dismissed = 0;  // deliveries that were parked until this work abandoned them
  ReplayId replay;              // the last that was started; zero: none was
};

// Puts events on record. Whoever owns the ledger entry has applied them already.
struct JournalWork {
  std::vector<store::Event> events;
  std::function<void(const StatusOr<Recorded>&)> done;

  StatusOr<Recorded> outcome;  // kUnknown until processed
};

// Replaces messages by stubs, for good: MakeRemoval (store/removal.h) makes it.
struct RemoveWork {
  struct Row {
    Position position;
    ChannelId channel;
    keys::IdHash id_hash{};
    std::string stub;  // the row's new value
  };
  std::vector<Row> rows;
  store::Event event;  // Removed
  bool erase = false;  // their bytes leave the disk soon (store/eraser.h)
  std::function<void(const Status&)> done;

  Status outcome;  // as the work's commit
};

using Work = std::variant<PublishWork, SubscribeWork, JournalWork, RemoveWork>;

// Computes what depends on the work alone, so that the writer, for which all others wait, need not.
// Once is enough.
void Prepare(Work& work);

// Bytes that a work adds to a commit, roughly. REQUIRES: it is prepared.
[[nodiscard]] std::size_t SizeOf(const Work& work);

// Tells whoever asked.
void Answer(Work& work);
// Tells whoever asked that it failed.
void Refuse(Work& work, const Status& why);

}  // namespace ackwire
