// Derived is the state that folds from log and journal: the channel table, the replays, the
// totals, and the tails, which are the newest part of the families index, ids, channels, ledger,
// members, parked, failures and history. The rows before the tails are in RocksDB, with a
// checkpoint that says up to where. Reading any of it means: tails first, then RocksDB. (The other
// order would miss what moves from one to the other in between.)
//
// Threads: Apply by the writer thread; Freeze and DropFrozen by the background thread; Read by any.
//          One shared mutex guards everything here; nobody holds it while doing I/O.
// Durable: Apply is called for what is on disk already, so nothing seen here can be lost.
// Bounds:  WaitForRoom keeps the tails below kTailEntriesMax and kTailBytesMax, by waiting for the
//          background thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/channel_table.h"
#include "store/committed_group.h"
#include "store/database.h"
#include "store/replay_table.h"
#include "store/status.h"
#include "store/tail.h"
#include "store/types.h"

namespace ackwire {

inline constexpr std::size_t kTailEntriesMax = 2'000'000;
inline constexpr std::size_t kTailBytesMax = 256ULL << 20U;
// With so many bytes of events a tail is moved to disk at once. An event takes ten times what a
// message does: a hundred thousand subscriptions would be 100 MB before the tail was a second old.
inline constexpr std::size_t kDueEventBytes = 4ULL << 20U;

// Sums over the whole ledger.
struct Totals {
  std::uint64_t undelivered = 0;
  std::uint64_t parked = 0;
  std::uint64_t clients = 0;
};

// What a reader sees while it holds the lock.
struct DerivedView {
  const ChannelTable& channels;
  const Tail& active;
  const Tail* frozen;  // null when none is being written
  const Totals& totals;
  const ReplayTable& replays;
  std::uint64_t unheard;   // messages that met no subscriber, in all channels
  Position last_position;  // the last that is on disk: nothing beyond it is shown to anyone
  JournalNumber last_number;

  [[nodiscard]] std::optional<Position> PositionOf(ChannelId channel, Seq seq) const;
  [[nodiscard]] std::optional<Position> PositionOfId(ChannelId channel,
                                                     const keys::IdHash& hash) const;
  void PrefetchId(ChannelId channel, const keys::IdHash& hash) const {
    active.PrefetchId(channel, hash);
    if (frozen != nullptr) frozen->PrefetchId(channel, hash);
  }
};

// A tail that takes no more, and the state at the moment it was frozen: what a checkpoint needs.
struct FrozenTail {
  std::shared_ptr<const Tail> tail;
  Totals totals;
  JournalNumber last_number;
  std::vector<ChannelInfo> channels;  // those that changed
  ReplayTable::Changes replays;
};

class Derived {
 public:
  explicit Derived(const Database& database) : database_(database) {}
  Derived(const Derived&) = delete;
  Derived& operator=(const Derived&) = delete;

  // Reads channels and checkpoint, then folds what log and journal hold beyond it.
  //   kDataLoss  a position or journal number is missing, or a record is damaged
  [[nodiscard]] Status Recover();
  // The first half of that alone.
  [[nodiscard]] Status Load();

  void Apply(const SharedGroup& group);

  // Blocks while the tails are full. After Fail it returns that failure, at once.
  [[nodiscard]] Status WaitForRoom();
  // Whether WaitForRoom would return at once.
  [[nodiscard]] bool HasRoom() const;
  // The active tail is so large that it should be moved to disk now.
  [[nodiscard]] bool IsDue() const;
  // The tails cannot be moved to disk any more, so there will be no room.
  void Fail(const Status& why);

  // fn(const DerivedView&) under the lock: copy out what is needed, and be quick.
  template <typename F>
  auto Read(F&& fn) const {
    std::shared_lock lock(mutex_);
    return std::forward<F>(fn)(DerivedView{channels_, *active_, frozen_.get(), totals_, replays_,
                                           unheard_, last_position_, last_number_});
  }

  // The value of a plain family's row in the tails: nothing known, or a value, or a deletion.
  [[nodiscard]] std::optional<std::optional<std::string>> TailRow(Family family,
                                                                  const std::string& key) const;
  // The tails' rows of a plain family in [from, to).
  [[nodiscard]] Tail::Rows TailRows(Family family, const Database::Range& range) const;

  // Of these, the keys of up to `limit` rows of each tail, from the beginning or the end on.
  [[nodiscard]] std::vector<std::string> TailKeys(Family family, const Database::Range& range,
                                                  std::size_t limit, bool from_end) const;

  // The beginning of what TailRows gives: at least up to `limit` rows of each tail, and whole up to
  // `end`, which is excluded.
  struct TailPart {
    Tail::Rows rows;
    std::string end;
  };
  [[nodiscard]] TailPart TailRowsUpTo(Family family, const Database::Range& range,
                                      std::size_t limit) const;

  // The active tail becomes the frozen one. None when there is nothing in it.
  [[nodiscard]] std::optional<FrozenTail> Freeze();
  // The frozen tail is in RocksDB.
  void DropFrozen();

  [[nodiscard]] Position last_position() const;
  [[nodiscard]] JournalNumber last_number() const;
  // A channel's last seq, and the channel of this name; zero when there is none.
  [[nodiscard]] Seq LastOf(ChannelId channel) const;
  [[nodiscard]] ChannelId IdOf(const std::string& channel_name) const;

 private:
  [[nodiscard]] bool HasRoomLocked() const;
  [[nodiscard]] Status LoadChannels();
  void ApplyMessages(const CommittedGroup& group);
  void ApplyEvent(const store::Event& event);
  void Remove(const store::Removed& removed);

  const Database& database_;

  mutable std::shared_mutex mutex_;  // guards all below
  std::condition_variable_any room_;
  ChannelTable channels_;
  std::shared_ptr<Tail> active_ = std::make_shared<Tail>();
  std::shared_ptr<const Tail> frozen_;
  Totals totals_;
  ReplayTable replays_;
  std::uint64_t unheard_ = 0;
  Position last_position_;
  JournalNumber last_number_;
  Status failure_;
};

}  // namespace ackwire
