#include "store/store.h"

#include <chrono>
#include <utility>

#include "store/crash_point.h"
#include "store/migrate.h"
#include "store/sorted_runs.h"
#include "store/startup_check.h"

namespace ackwire {
namespace {

// How much a crash leaves to fold again: a second of writing.
constexpr std::chrono::milliseconds kDerivedInterval{1000};

Status WithAdvice(const Status& status, const DataDirectory& directory) {
  if (status.code() != StatusCode::kDataLoss) return status;
  return Error(status.code(),
               MessageOf(status) +
                   ". Nothing was changed. Restore a backup (ackctl restore), or see "
                   "what is left: ackctl recover " +
                   directory.path().string());
}

}  // namespace

StatusOr<std::unique_ptr<Store>> Store::Open(const Options& options) {
  StatusOr<std::unique_ptr<DataDirectory>> directory =
      DataDirectory::Open(options.directory, options.env);
  if (!directory.ok()) return directory.status();
  const StatusOr<StartupCheck> found = CheckDirectory(**directory, options.boot_id);
  if (!found.ok()) return WithAdvice(found.status(), **directory);
  if (Status status = SortedRuns::DeleteLeftovers(**directory); !status.ok()) return status;
  Rng rng(options.seed);
  StatusOr<std::unique_ptr<Database>> database =
      Database::Open(*std::move(directory), {.rng = rng, .durability = options.durability});
  if (!database.ok()) return database.status();
  if (Status status = Migrate(**database); !status.ok()) return status;
  if (found->power_cut) {
    if (Status status = (*database)->StartNewEpoch(rng); !status.ok()) return status;
  }
  (*database)->damage().Listen(options.damaged);
  StatusOr<std::unique_ptr<Watermark>> watermark =
      Watermark::Open(**database, options.clock, options.boot_id);
  if (!watermark.ok()) return watermark.status();
  std::unique_ptr<Store> store(new Store(*std::move(database), *std::move(watermark), options));
  store->power_cut_ = found->power_cut;
  if (Status status = store->derived_.Recover(); !status.ok()) return status;
  return store;
}

Store::Store(std::unique_ptr<Database> database, std::unique_ptr<Watermark> watermark,
             const Options& options)
    : database_(std::move(database)),
      watermark_(std::move(watermark)),
      clock_(options.clock),
      when_trimmed_(options.trimmed),
      rng_(options.seed ^ 0x9E3779B97F4A7C15ULL),
      derived_(*database_),
      log_(*database_, derived_),
      ledger_(*database_, derived_),
      failures_(*database_, derived_),
      journal_(*database_, derived_),
      writer_({.database = *database_,
               .derived = derived_,
               .log = log_,
               .ledger = ledger_,
               .clock = options.clock,
               .rng = rng_,
               .watermark = *watermark_,
               .min_free_bytes = options.min_free_bytes,
               .subscriptions_max = options.subscriptions_max,
               .disk_changed = options.disk_changed}),
      derived_writer_(*database_, derived_),
      forgetter_(*database_),
      eraser_(*database_, forgetter_),
      trimmer_({*database_, derived_, ledger_}, options.journal_keeps) {}

Status Store::Damage() const {
  const Status first = database_->damage().first();
  if (first.ok()) return first;
  const std::string directory = database_->directory().path().string();
  return Error(StatusCode::kDataLoss, "damage on disk: " + MessageOf(first) +
                                          ". Stop the server; `ackctl verify " + directory +
                                          "` names all of it, `ackctl recover " + directory +
                                          "` says what is lost");
}

std::string Store::JournalHeldBy() const {
  std::lock_guard lock(mutex_);
  return held_by_;
}

void Store::Start(WriterQueue::Listeners listeners) {
  StartByHand(std::move(listeners));
  writer_thread_ = std::make_unique<WriterThread>(*queue_);
  background_ = std::thread([this] { RunBackground(); });
  eraser_.Start();
}

void Store::StartByHand(WriterQueue::Listeners listeners) {
  const auto told = std::move(listeners.failed);
  listeners.failed = [this, told](const Status& why) {
    {
      std::lock_guard lock(mutex_);
      failed_ = true;
    }
    told(why);
  };
  const auto committed = std::move(listeners.committed);
  listeners.committed = [this, committed](const SharedGroup& group) {
    if (derived_.IsDue()) WakeBackground();
    committed(group);
  };
  queue_ = std::make_unique<WriterQueue>(writer_, std::move(listeners));
}

void Store::StopByHand() {
  queue_->Close();
  while (queue_->Step()) {
  }
  BackgroundStep();
  if (!failed_) End();
}

void Store::StopWriting() {
  if (writer_thread_ != nullptr) writer_thread_->Stop();
}

Store::~Store() {
  StopWriting();
  eraser_.Stop();
  if (!background_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  background_.join();
  if (!failed_) End();
}

void Store::End() {
  CrashPoint(crash::kBeforeShutdown);
  // A mark that cannot be written leaves an end that is not clean, which the next start copes with.
  if (!database_->SyncAll().ok() || !database_->Flush().ok()) return;
  CrashPoint(crash::kAfterShutdown);
  (void)watermark_->End();
}

void Store::WakeBackground() {
  {
    std::lock_guard lock(mutex_);
    due_ = true;
  }
  wake_.notify_one();
}

void Store::RunBackground() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kDerivedInterval, [this] { return stopping_ || due_; });
      due_ = false;
      last = stopping_;
    }
    BackgroundStep();
    TrimWhileThereIsMore();
  }
}

void Store::BackgroundStep(std::size_t batch_entries_max) {
  if (background_failed_) return;
  Status status = MoveTail(batch_entries_max);
  if (status.ok()) status = Trim();
  if (!status.ok()) FailWriting(status);
}

void Store::FailWriting(const Status& why) {
  background_failed_ = true;
  queue_->Fail(NoMoreWrites(why));
  derived_.Fail(why);  // a writer that waits for room would wait for ever
}

Status Store::MoveTail(std::size_t batch_entries_max) {
  if (Status status = database_->BackgroundError(); !status.ok()) return status;
  if (Status status = derived_writer_.Step(batch_entries_max); !status.ok()) return status;
  const StatusOr<bool> dropped = forgetter_.DropRows();
  if (!dropped.ok()) return dropped.status();
  if (!*dropped) return OkStatus();
  trimmer_.BaseChanged();
  eraser_.EraseSoon();
  return OkStatus();
}

Status Store::Trim() {
  if (trim_damaged_) return OkStatus();
  const StatusOr<Trimmed> step = trimmer_.Step(clock_.Now());
  trim_damaged_ = step.status().code() == StatusCode::kDataLoss;
  if (trim_damaged_) {
    (void)database_->damage().Noted(step.status());
    trimmed_.more = false;
    return OkStatus();
  }
  if (!step.ok()) return step.status();
  trimmed_.more = step->more;
  if (step->records > 0) {
    trimmed_.records += step->records;
    trimmed_.last = step->last;
    trimmed_.up_to = step->up_to;
  }
  if (step->more || (trimmed_.records == 0 && trimmed_.held_by == step->held_by)) return OkStatus();
  trimmed_.held_by = step->held_by;
  {
    std::lock_guard lock(mutex_);
    held_by_ = step->held_by;
  }
  if (trimmed_.records > 0) eraser_.MakeRoomSoon(trimmed_.last);
  if (when_trimmed_) when_trimmed_(trimmed_);
  trimmed_.records = 0;
  return OkStatus();
}

// A third of the time at most: the tail is to be moved meanwhile.
void Store::TrimWhileThereIsMore() {
  const Timestamp until = clock_.Now() + kDerivedInterval / 2;
  while (trimmed_.more && !background_failed_ && clock_.Now() < until) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_ || due_) return;
    }
    if (Status status = Trim(); !status.ok()) FailWriting(status);
  }
}

}  // namespace ackwire
