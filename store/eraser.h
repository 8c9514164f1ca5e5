// Eraser sees to it that what was removed from the log, who was forgotten, and what was trimmed
// from the journal leaves the disk: RocksDB keeps what was overwritten in write-ahead log and
// tables until it writes those anew.
//
// Durable: what is to be erased is on disk with its removal, and gone on with after a start; what
//          only makes room is not.
// Threads: EraseSoon from any; a thread of its own does it, once started.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "store/database.h"
#include "store/forgetter.h"
#include "store/status.h"
#include "store/types.h"

namespace ackwire {

// Within so long the bytes of what was removed to be erased are gone from the data directory.
inline constexpr Duration kEraseWithin{60'000};

class Eraser {
 public:
  Eraser(Database& database, Forgetter& forgetter) : database_(database), forgetter_(forgetter) {}
  ~Eraser() { Stop(); }
  Eraser(const Eraser&) = delete;
  Eraser& operator=(const Eraser&) = delete;

  // The row of family `meta` that says that the bytes at this position are to be erased: written
  // with what replaces them.
  [[nodiscard]] static std::string KeyOf(Position position);

  void Start();
  // What is under way is given up, to be gone on with after the next start.
  void Stop();
  // Such rows were committed.
  void EraseSoon();
  // The journal was trimmed up to this record.
  void MakeRoomSoon(JournalNumber last);
  // Messages up to this position were removed, and the disk is full.
  void MakeRoomSoon(Position last);
  // What the thread does. Blocks, about as long as it takes to read and write the tables that are
  // concerned.
  [[nodiscard]] Status Step();

 private:
  struct Positions {
    Position first;
    Position last;
  };
  void Run();
  [[nodiscard]] Status EraseMessages();
  [[nodiscard]] Status MakeRoom();
  // What is there up to a key is written anew, without what was replaced or deleted.
  [[nodiscard]] Status WriteAnew(Family family, const std::string& last);

  Database& database_;
  Forgetter& forgetter_;
  std::mutex mutex_;  // guards due_, trimmed_ and removed_
  std::condition_variable wake_;
  bool due_ = true;  // an earlier life may have left something
  JournalNumber trimmed_;
  Position removed_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ackwire
