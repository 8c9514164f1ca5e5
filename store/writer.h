// Writer turns what is queued into one commit: it drops duplicates, checks expected seqs, assigns
// seqs and positions, fixes the start of new subscriptions, and writes messages, journal record and
// outbox row as one batch. Nothing else writes the families `log`, `journal` and `outbox`. Where
// messages are removed, their rows of `ids` go with the same batch.
//
// Durable:  Commit returns once the batch is synced (with `buffered`: written); only then does a
//           work's outcome hold.
// Threads:  one, the writer thread (store/writer_thread.h). Commit blocks on disk.
// Lifetime: borrows all it is given.
// Bounds:   whoever calls gives at most kGroupWorksMax works and kGroupBytesMax bytes at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/clock.h"
#include "store/committed_group.h"
#include "store/database.h"
#include "store/derived.h"
#include "store/ledger_reader.h"
#include "store/limits.h"
#include "store/log_reader.h"
#include "store/log_rows.h"
#include "store/rng.h"
#include "store/staged_group.h"
#include "store/status.h"
#include "store/stored_ids.h"
#include "store/watermark.h"
#include "store/work.h"

namespace ackwire {

// Larger groups do not sync less for each message (measured: a disk takes 0.3 ms for a sync and a
// gigabyte a second), and what a commit touches would no longer fit the processor's cache.
inline constexpr std::size_t kGroupWorksMax = 2048;
inline constexpr std::size_t kGroupBytesMax = 8ULL << 20U;

class Writer {
 public:
  // From this commit on publishing is refused, and why; or it goes on (OK). On the writer thread.
  using DiskListener = std::function<void(const Status&)>;
  struct Dependencies {
    Database& database;
    Derived& derived;
    const LogReader& log;
    const LedgerReader& ledger;
    const Clock& clock;
    Rng& rng;
    Watermark& watermark;
    std::uint64_t min_free_bytes = 0;  // with less disk free, nothing is published
    std::size_t subscriptions_max = kSubscriptionsOfClientMax;  // of a client
    DiskListener disk_changed = {};
  };
  explicit Writer(const Dependencies& dependencies);
  ~Writer();

  // Processes the works in order and commits them. Fills each work's `outcome`; a work that is
  // refused does not hinder the others. The group is null when nothing was to be written.
  //   kUnavailable  the batch could not be written: no outcome holds, and the log must take no more
  //                 writes; the truth is what recovery finds
  [[nodiscard]] StatusOr<SharedGroup> Commit(std::span<Work> works);

  // Whether CatchUp has something to do: it is called after a rest of kWatermarkInterval.
  [[nodiscard]] bool behind() const { return deps_.watermark.behind(); }
  // Brings the watermark up to the last commit.
  [[nodiscard]] Status CatchUp() { return deps_.watermark.CatchUp(); }

  // OK, or why nothing may be published now (DiskFull). Any thread.
  [[nodiscard]] Status CheckFreeDisk() const;

 private:
  [[nodiscard]] Status WaitForRoom();
  // As CheckFreeDisk, and tells when it is not as it was.
  [[nodiscard]] Status LookAtDisk();
  [[nodiscard]] StatusOr<Published> Publish(PublishWork& work, const StoredIds::Id& id,
                                            StagedGroup& staged);
  [[nodiscard]] StatusOr<std::optional<Published>> FindDuplicate(const PublishWork& work,
                                                                 ChannelId channel,
                                                                 const StoredIds::Id& id,
                                                                 const StagedGroup& staged) const;
  [[nodiscard]] Status CheckReference(const PublishWork& work, const StagedGroup::Channel& channel,
                                      StagedGroup& staged) const;
  [[nodiscard]] StatusOr<std::vector<SubscriptionState>> Subscribe(const SubscribeWork& work,
                                                                   StagedGroup& staged);
  [[nodiscard]] Status CheckSubscriptionLimit(const SubscribeWork& work, StagedGroup& staged);
  [[nodiscard]] Status TooManySubscriptions(const std::string& client, std::size_t has) const;
  [[nodiscard]] StatusOr<Recorded> Record(JournalWork& work, StagedGroup& staged);
  //   kFailedPrecondition  a replay would deliver to a client that is not known any more
  [[nodiscard]] static Status CheckPinned(const JournalWork& work, StagedGroup& staged);
  // Whether anything is, that an outcome of a replay may settle.
  [[nodiscard]] bool IsOpen(const store::Event& outcome) const;
  // Finds out what of that which a replay delivered was parked until now.
  [[nodiscard]] static Status AddAcked(store::Event event, StagedGroup& staged);
  // Does nothing where there is no subscription.
  [[nodiscard]] Status EndSubscription(store::Event event, StagedGroup& staged, Recorded& recorded);
  // Of what it is to unpark, the event keeps what is parked; it is dropped when nothing is left.
  [[nodiscard]] Status Dismiss(store::Event event, StagedGroup& staged, Recorded& recorded);
  void Remove(RemoveWork& work, StagedGroup& staged);
  // Notes who is to be erased.
  //   kAborted  it has subscriptions: they may have been made since they were ended
  [[nodiscard]] Status Forget(store::Event event, StagedGroup& staged);
  // Notes whether this is the first that is heard of the client.
  [[nodiscard]] Status Pause(store::Event event, StagedGroup& staged);
  [[nodiscard]] Status WriteGroup(const CommittedGroup& group);

  const Dependencies deps_;
  StoredIds ids_;
  LogRows log_rows_;
  bool disk_full_ = false;  // when it was looked at last
  // Used for every commit: it keeps its memory.
  const std::unique_ptr<rocksdb::WriteBatch> batch_;
};

}  // namespace ackwire
