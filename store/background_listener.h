// BackgroundListener hears what RocksDB does in threads of its own: it keeps the first thing that
// failed there, and passes on that rows have moved to a table. These threads yield to all others.
//
// Threads:  any.
#pragma once

#include <rocksdb/listener.h>

#include <functional>
#include <mutex>

#include "store/status.h"

namespace ackwire {

class BackgroundListener final : public rocksdb::EventListener {
 public:
  // OK: nothing has failed.
  [[nodiscard]] Status first() const;
  // See Database.
  void WhenRowsMove(std::function<Status()> told);
  [[nodiscard]] Status RowsMoved();

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error,
                            bool* auto_recovery) override;
  void OnFlushBegin(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;
  void OnCompactionBegin(rocksdb::DB* db, const rocksdb::CompactionJobInfo& info) override;
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;

 private:
  void Keep(const Status& failed);

  mutable std::mutex mutex_;  // guards first_
  Status first_;
  std::mutex told_mutex_;  // guards told_, and is held while it runs
  std::function<Status()> told_;
};

}  // namespace ackwire
