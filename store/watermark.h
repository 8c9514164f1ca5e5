// Watermark is a small file beside the database that says how far the log was on disk. RocksDB
// drops what follows a damaged part of its write-ahead log without a word; the watermark is what a
// start compares the log with, so that a log that lost its tail is noticed.
//
//   DATA_DIR/watermark   two slots, at offsets 0 and 4096, written in turn: a write that is cut off
//                        leaves the other one whole. A slot is size:u16be and, so long, a sealed
//                        store.Watermark (store/record.h)
//
// It says as well how long RocksDB's list of its files was. RocksDB takes a list that was cut off
// for one that ends there, and what came into tables afterwards is gone, with nobody the wiser. So
// a mark is made as soon as rows have moved to a table, by the thread that moved them, before it
// goes on. Where that fails, no more writes are taken.
//
// Durable:  what a mark says was on disk before the mark was (`buffered`: was with the kernel).
// Threads:  the writer thread only; in between, those that move rows to tables (Database).
// Lifetime: borrows database and clock.
// Bounds:   at most 100 ms behind the last commit, if CatchUp is called after each rest.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "store/clock.h"
#include "store/database.h"
#include "store/records.pb.h"
#include "store/status.h"
#include "store/types.h"

namespace rocksdb {
class RandomRWFile;
}  // namespace rocksdb

namespace ackwire {

// A mark is written with a commit when the last one is so old, and otherwise after so long a rest:
// it is never twice this behind.
inline constexpr Duration kWatermarkInterval{50};

class Watermark {
 public:
  // Says where the log is now, and that it is open. `boot_id` is that of the running kernel: what a
  // `buffered` log holds is safe as long as that has not changed.
  //   kUnavailable  the file cannot be written; so do all below, from then on
  [[nodiscard]] static StatusOr<std::unique_ptr<Watermark>> Open(const Database& database,
                                                                 const Clock& clock,
                                                                 const std::string& boot_id);
  ~Watermark();
  Watermark(const Watermark&) = delete;
  Watermark& operator=(const Watermark&) = delete;

  // A commit is on disk. Writes a mark when the last one is kWatermarkInterval old.
  [[nodiscard]] Status Committed(Position position, JournalNumber number);
  // Writes what is owed, at once.
  [[nodiscard]] Status CatchUp();
  [[nodiscard]] bool behind() const;
  // Nothing follows: both slots say so.
  [[nodiscard]] Status End();
  // The same of a database that nobody writes to.
  [[nodiscard]] static Status WriteEnd(const Database& database, const std::string& boot_id);

  // The newest mark of a data directory; none where there is no file.
  //   kDataLoss  neither slot can be read
  [[nodiscard]] static StatusOr<std::optional<store::Watermark>> Read(
      const DataDirectory& directory);

 private:
  Watermark(const Database& database, const Clock& clock);
  [[nodiscard]] Status Write();
  [[nodiscard]] Status WriteNext();
  [[nodiscard]] Status RowsMoved();

  const Database& database_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  Status failed_;
  std::unique_ptr<rocksdb::RandomRWFile> file_;
  store::Watermark mark_;
  Timestamp written_at_{};
  bool behind_ = false;
};

// What identifies the log up to the mark: the first 16 bytes of the SHA-256 of the log's row at its
// position (with `place_hash`: of its stub's, which it may become) and the journal's at its number.
// A row that is not there counts as empty.
[[nodiscard]] StatusOr<std::string> HashOfRows(const Database& database,
                                               const store::Watermark& mark);

}  // namespace ackwire
