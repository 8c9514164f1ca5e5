#include "store/background_listener.h"

#include <utility>

#include "store/database.h"
#include "store/thread_priority.h"

namespace ackwire {

Status BackgroundListener::first() const {
  std::lock_guard lock(mutex_);
  return first_;
}

void BackgroundListener::WhenRowsMove(std::function<Status()> told) {
  std::lock_guard lock(told_mutex_);
  told_ = std::move(told);
}

Status BackgroundListener::RowsMoved() {
  std::lock_guard lock(told_mutex_);
  return told_ ? told_() : OkStatus();
}

void BackgroundListener::Keep(const Status& failed) {
  std::lock_guard lock(mutex_);
  first_.Update(failed);
}

void BackgroundListener::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                                           rocksdb::Status* error) {
  Keep(FromRocks(*error, "write in the background"));
}

// With room on the disk again RocksDB would go on by itself, behind a write that it said had
// failed.
void BackgroundListener::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/,
                                              rocksdb::Status /*error*/, bool* auto_recovery) {
  *auto_recovery = false;
}

void BackgroundListener::OnFlushBegin(rocksdb::DB* /*db*/, const rocksdb::FlushJobInfo& /*info*/) {
  YieldToOtherThreads();
}

void BackgroundListener::OnCompactionBegin(rocksdb::DB* /*db*/,
                                           const rocksdb::CompactionJobInfo& /*info*/) {
  YieldToOtherThreads();
}

void BackgroundListener::OnFlushCompleted(rocksdb::DB* /*db*/,
                                          const rocksdb::FlushJobInfo& /*info*/) {
  Keep(RowsMoved());
}

}  // namespace ackwire
