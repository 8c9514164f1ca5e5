// Hub is one I/O thread's part of the delivery: the sessions that the thread accepted, which of
// them listen to which channel, the encoded messages they share, and their journal, flushed
// together.
//
// Threads:  the I/O thread, but for Offer (the relay's thread) and Post (any).
// Lifetime: outlives its sessions; the loop outlives it.
// Bounds:   at most kOfferedBytesMax of offered groups wait for the thread; then the relay keeps
//           the rest in the outbox. One flush of the journal is under way at a time.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "delivery/client_directory.h"
#include "delivery/io_loop.h"
#include "delivery/message_cache.h"
#include "delivery/metrics.h"
#include "delivery/policies.h"
#include "delivery/receipt_watch.h"
#include "delivery/session_drain.h"
#include "outbox/sink.h"
#include "store/clock.h"
#include "store/rng.h"
#include "store/store.h"

namespace ackwire {

class ClientHomes;
class Session;
class TokenVerifier;

inline constexpr std::size_t kOfferedBytesMax = 32ULL << 20U;
inline constexpr Duration kJournalFlushInterval{5};

class Hub final : public Sink {
 public:
  struct Dependencies {
    Store& store;
    const Clock& clock;
    Metrics& metrics;
    const Policies& policies;
    const SessionPolicy& session_policy;
    const TokenVerifier* tokens = nullptr;  // null: everybody is trusted
    ClientHomes& homes;
    std::function<void(std::function<void()>)> read;  // runs a job that may block
    std::uint64_t seed = 0;
  };
  Hub(IoLoop& loop, Dependencies dependencies);
  ~Hub() override;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // `wake_relay` is called when there is room again after Offer said kFull.
  void Start(std::function<void()> wake_relay) { wake_relay_ = std::move(wake_relay); }
  [[nodiscard]] Offered Offer(const SharedGroup& group) override;
  void Post(std::function<void()> job) const;
  // A callback that may be called on any thread and calls `job` on this one.
  template <typename T>
  [[nodiscard]] std::function<void(const T&)> Posting(std::function<void(const T&)> job) const {
    return [this, job = std::move(job)](const T& value) { Post([job, value] { job(value); }); };
  }

  // Sessions.
  void Add(const std::shared_ptr<Session>& session);
  void Remove(Session& session);
  // Ends a session whose connection is gone, soon. Of many at once each has a turn of the loop, so
  // that other work of this thread goes on in between.
  void EndInTurn(std::function<void()> end);
  void Opened(Session& session);
  // The session has its id and this client: subscriptions made elsewhere are told to it.
  void Claimed(Session& session);
  void Listen(Session& session, ChannelId channel);
  void Unlisten(Session& session, ChannelId channel);
  // The session has events or confirmations to be flushed.
  void MarkDirty(Session& session);
  // Calls OnTime of the session then, and forgets what was set before.
  void WakeAt(Session& session, Timestamp time);
  // Puts a session's events on record, after all that it had flushed, then calls `done` on this
  // thread.
  using RecordedDone = std::function<void(const StatusOr<Recorded>&)>;
  void SubmitEvents(std::vector<store::Event> events, RecordedDone done);
  // The same with the last events of a session. Of many that end at once a part at a time goes to
  // the writer: who publishes meanwhile waits for a part, not for all of them.
  void SubmitEnding(std::vector<store::Event> events, RecordedDone done);
  // Reads on from `key` into the cache, then calls `done`.
  struct ReadAhead {
    DeliveryKey key;
    std::size_t messages_max = 0;
  };
  void Read(const ReadAhead& what, std::function<void(const Status&)> done);

  // The sessions here that are owed what is published in the channel.
  using Listeners = absl::flat_hash_set<Session*>;
  [[nodiscard]] const Listeners& ListenersOf(ChannelId channel) const;

  // Tells the session what becomes of the messages that its user publishes from now on.
  void WatchReceipts(Session& session);

  void ShutAll(std::uint16_t code, const std::string& reason);
  // Opens no sessions from now on, and closes those that there are, each at a moment of its own.
  void Drain(SessionDrain::Order order);
  // Null until then.
  [[nodiscard]] SessionDrain* drain() const { return drain_.get(); }
  // The policies were read again: they hold for what is sent and fails from now on.
  void RenewPolicies();

  [[nodiscard]] ClientDirectory::Owner OwnerOf(Session& session) const;
  [[nodiscard]] const std::set<std::shared_ptr<Session>>& sessions() const { return sessions_; }
  // The open session of this id; null when there is none here.
  [[nodiscard]] Session* FindSession(const std::string& id) const;
  [[nodiscard]] MessageCache& cache() { return cache_; }
  [[nodiscard]] Rng& rng() { return rng_; }
  [[nodiscard]] const Dependencies& deps() const { return deps_; }
  [[nodiscard]] Timestamp now() const { return deps_.clock.Now(); }

 private:
  void OnGroup(const CommittedGroup& group);
  void OnSubscribed(EventId id, const store::Event& event);
  void OnRemoved(const store::Removed& removed);
  void Keep(const std::vector<StoredMessage>& read);
  void OnMessages(const CommittedGroup& group);
  [[nodiscard]] MessageCache::Forms FormsWanted() const;
  void OnTime();
  void FlushJournal();
  void EndNext();
  void RecordEndings();
  void OnFlushed(const StatusOr<Recorded>& outcome);
  void Count(const std::vector<store::Event>& events);
  void ReadMembers(ChannelId channel);
  void ArmReceipts();

  IoLoop& loop_;
  const Dependencies deps_;
  Rng rng_;
  std::function<void()> wake_relay_;

  // Shared with the relay's thread.
  std::atomic<std::size_t> offered_bytes_ = 0;
  std::atomic<bool> relay_waits_ = false;

  // Of the I/O thread.
  MessageCache cache_;
  std::size_t reads_ = 0;                           // under way
  std::map<ChannelId, SeqRuns> removed_meanwhile_;  // while there are any
  std::set<std::shared_ptr<Session>> sessions_;
  std::array<std::size_t, frame::kForms> sessions_of_{};  // so many of each form
  absl::flat_hash_map<std::string, Session*> by_client_;
  absl::flat_hash_map<std::string, Session*> by_id_;
  absl::flat_hash_map<ChannelId, Listeners> by_channel_;
  std::set<std::pair<Timestamp, Session*>> wakes_;
  absl::flat_hash_map<Session*, Timestamp> wake_of_;
  const std::unique_ptr<WakeTimer> wake_timer_;
  ReceiptWatch receipts_;
  const std::unique_ptr<WakeTimer> receipts_timer_;
  std::optional<Timestamp> receipts_armed_;  // for when
  std::set<Session*> dirty_;
  const std::unique_ptr<WakeTimer> flush_timer_;
  bool flush_armed_ = false;
  bool flushing_ = false;
  using Confirming = std::vector<std::pair<std::weak_ptr<Session>, std::vector<std::uint32_t>>>;
  Confirming confirming_;  // once the flush under way is on disk
  std::deque<std::function<void()>> ends_;
  struct Ending {
    std::vector<store::Event> events;
    RecordedDone done;
  };
  std::deque<Ending> endings_;  // not with the writer yet
  bool recording_endings_ = false;
  std::unique_ptr<SessionDrain> drain_;
};

}  // namespace ackwire
