#include "store/background_listener.h"

#include <utility>

#include "store/database.h"

namespace ackwire {

Status BackgroundListener::first() const {
  std::lock_guard lock(mutex_);
  return first_;
}

void BackgroundListener::WhenRowsMove(std::function<void()> told) {
  std::lock_guard lock(told_mutex_);
  told_ = std::move(told);
}

void BackgroundListener::RowsMoved() {
  std::lock_guard lock(told_mutex_);
  if (told_) told_();
}

void BackgroundListener::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                                           rocksdb::Status* error) {
  std::lock_guard lock(mutex_);
  if (first_.ok()) first_ = FromRocks(*error, "write in the background");
}

// With room on the disk again RocksDB would go on by itself, behind a write that it said had
// failed.
void BackgroundListener::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/,
                                              rocksdb::Status /*error*/, bool* auto_recovery) {
  *auto_recovery = false;
}

void BackgroundListener::OnFlushCompleted(rocksdb::DB* /*db*/,
                                          const rocksdb::FlushJobInfo& /*info*/) {
  RowsMoved();
}

}  // namespace ackwire
