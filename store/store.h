// Store puts the module together: an open data directory, its readers, the writer's thread and the
// background thread that moves the tail of the derived families to disk.
//
// Threads:  all members may be used from any thread.
// Lifetime: Open recovers; Start begins to take writes; the destructor answers what is queued,
//           writes the tail, so that the next start has nothing to fold, and closes.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "store/clock.h"
#include "store/database.h"
#include "store/derived.h"
#include "store/derived_writer.h"
#include "store/eraser.h"
#include "store/failure_reader.h"
#include "store/forgetter.h"
#include "store/journal_reader.h"
#include "store/ledger_reader.h"
#include "store/limits.h"
#include "store/log_reader.h"
#include "store/rng.h"
#include "store/status.h"
#include "store/trimmer.h"
#include "store/watermark.h"
#include "store/writer.h"
#include "store/writer_queue.h"
#include "store/writer_thread.h"

namespace ackwire {

class Store {
 public:
  struct Options {
    std::filesystem::path directory;
    const Clock& clock;
    std::uint64_t seed = 0;  // of epochs and message ids
    Durability durability = Durability::kFsync;
    std::uint64_t min_free_bytes = 0;  // with less disk free, nothing is published
    std::size_t subscriptions_max = kSubscriptionsOfClientMax;  // of a client
    std::string boot_id;                                        // of the running kernel
    rocksdb::Env* env = nullptr;                                // null: the real file system
    DamageWatch::Listener damaged = {};                         // from Open on, on any thread
    JournalRetention journal_keeps = {};
    // Records went, or the oldest is held though it is old enough. On the background thread.
    std::function<void(const Trimmed&)> trimmed = {};
    Writer::DiskListener disk_changed = {};
  };

  // As CheckDirectory, Database::Open and Derived::Recover. When it is refused for damage, nothing
  // on disk was changed.
  [[nodiscard]] static StatusOr<std::unique_ptr<Store>> Open(const Options& options);

  void Start(WriterQueue::Listeners listeners);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // REQUIRES: it was started.
  void Submit(Work&& work) { queue_->Submit(std::move(work)); }

  // Commits and answers what is queued; what is submitted after it is refused.
  void StopWriting();

  // The same without a thread: the caller takes the threads' steps, all from one thread, so that a
  // simulation decides what happens when. An end without StopByHand is a crash's: what is queued is
  // dropped.
  void StartByHand(WriterQueue::Listeners listeners);
  bool WriterStep() { return queue_->Step(); }
  // Larger tails than this go to disk as sorted runs.
  void BackgroundStep(std::size_t batch_entries_max = kBatchEntriesMax);
  void StopByHand();

  [[nodiscard]] Database& database() { return *database_; }
  [[nodiscard]] Eraser& eraser() { return eraser_; }
  [[nodiscard]] Forgetter& forgetter() { return forgetter_; }
  [[nodiscard]] const Derived& derived() const { return derived_; }
  [[nodiscard]] const LogReader& log() const { return log_; }
  [[nodiscard]] const LedgerReader& ledger() const { return ledger_; }
  [[nodiscard]] const FailureReader& failures() const { return failures_; }
  [[nodiscard]] const JournalReader& journal() const { return journal_; }
  [[nodiscard]] const std::string& epoch() const { return database_->epoch(); }
  // The log was of an older format until now.
  [[nodiscard]] bool migrated() const {
    return database_->directory().version() < DataDirectory::kVersion;
  }
  // A power cut took what was `buffered`: the epoch is a new one.
  [[nodiscard]] bool power_cut() const { return power_cut_; }
  // The first damage that reading has met, and what to do about it; OK when none was met. Reads,
  // deliveries and writes of what is whole go on.
  [[nodiscard]] Status Damage() const;
  // Why the journal's oldest record stays though it is old enough, for people; empty: it does not.
  [[nodiscard]] std::string JournalHeldBy() const;
  // Why nothing may be published now; OK when it may.
  [[nodiscard]] Status CheckFreeDisk() const { return writer_.CheckFreeDisk(); }

 private:
  Store(std::unique_ptr<Database> database, std::unique_ptr<Watermark> watermark,
        const Options& options);
  void RunBackground();
  void WakeBackground();
  [[nodiscard]] Status MoveTail(std::size_t batch_entries_max);
  [[nodiscard]] Status Trim();
  void TrimWhileThereIsMore();
  void FailWriting(const Status& why);
  // Marks the end as a clean one.
  void End();

  std::unique_ptr<Database> database_;
  std::unique_ptr<Watermark> watermark_;
  bool power_cut_ = false;
  const Clock& clock_;
  const std::function<void(const Trimmed&)> when_trimmed_;
  Rng rng_;
  Derived derived_;
  LogReader log_;
  LedgerReader ledger_;
  FailureReader failures_;
  JournalReader journal_;
  Writer writer_;
  DerivedWriter derived_writer_;
  Forgetter forgetter_;
  Eraser eraser_;
  Trimmer trimmer_;
  std::unique_ptr<WriterQueue> queue_;
  std::unique_ptr<WriterThread> writer_thread_;  // null when it is started by hand

  mutable std::mutex mutex_;  // guards what follows, up to what is of one thread
  std::condition_variable wake_;
  bool stopping_ = false;
  bool due_ = false;  // the tail is large
  bool failed_ = false;
  std::string held_by_;
  // Of the background thread.
  bool background_failed_ = false;
  bool trim_damaged_ = false;
  Trimmed trimmed_;  // since it was told the last time
  std::thread background_;
};

}  // namespace ackwire
