// Store puts the module together: an open data directory, its readers, the writer's thread and the
// background thread that moves the tail of the derived families to disk.
//
// Threads:  all members may be used from any thread.
// Lifetime: Open recovers; Start begins to take writes; the destructor answers what is queued,
//           writes the tail, so that the next start has nothing to fold, and closes.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "store/clock.h"
#include "store/database.h"
#include "store/derived.h"
#include "store/derived_writer.h"
#include "store/ledger_reader.h"
#include "store/log_reader.h"
#include "store/rng.h"
#include "store/status.h"
#include "store/writer.h"
#include "store/writer_thread.h"

namespace ackwire {

class Store {
 public:
  struct Options {
    std::filesystem::path directory;
    const Clock& clock;
    std::uint64_t seed = 0;       // of epochs and message ids
    rocksdb::Env* env = nullptr;  // null: the real file system
  };

  // As Database::Open and Derived::Recover.
  [[nodiscard]] static StatusOr<std::unique_ptr<Store>> Open(const Options& options);

  void Start(WriterThread::Listeners listeners);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // REQUIRES: Start was called.
  void Submit(Work work) { writer_thread_->Submit(std::move(work)); }

  // Commits and answers what is queued; what is submitted after it is refused.
  void StopWriting();

  [[nodiscard]] Database& database() { return *database_; }
  [[nodiscard]] const Derived& derived() const { return derived_; }
  [[nodiscard]] const LogReader& log() const { return log_; }
  [[nodiscard]] const LedgerReader& ledger() const { return ledger_; }
  [[nodiscard]] const std::string& epoch() const { return database_->epoch(); }

 private:
  Store(std::unique_ptr<Database> database, const Options& options);
  void RunBackground();

  std::unique_ptr<Database> database_;
  Rng rng_;
  Derived derived_;
  LogReader log_;
  LedgerReader ledger_;
  Writer writer_;
  DerivedWriter derived_writer_;
  WriterThread::Listeners listeners_;
  std::unique_ptr<WriterThread> writer_thread_;

  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread background_;
};

}  // namespace ackwire
