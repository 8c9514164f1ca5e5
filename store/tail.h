// Tail is the newest part of every derived family, in memory: what commits brought since the last
// checkpoint. It folds what needs no older state; ledger events are kept as they are, and whoever
// reads a ledger row folds them onto it.
//
// Threads: guarded by its owner, Derived; read-only once frozen.
// Bounds:  the writer waits when `size()` passes kTailEntriesMax (store/derived.h).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "store/committed_group.h"
#include "store/database.h"
#include "store/keys.h"
#include "store/types.h"

namespace ackwire {

// A journal event, kept alive by its group.
struct TailEvent {
  EventId id;
  SharedGroup group;
  [[nodiscard]] const store::Event& event() const {
    return group->record.events(static_cast<int>(id.index()));
  }
};

class Tail {
 public:
  // Rows of a family by key; none is a deletion.
  using Rows = std::map<std::string, std::optional<std::string>, std::less<>>;
  using Ledger = std::map<std::string, std::vector<TailEvent>, std::less<>>;

  // The seqs of one channel that came with this tail are dense.
  struct ChannelPositions {
    Seq first;
    std::vector<Position> positions;
  };

  void Apply(const SharedGroup& group);

  // The position of `seq`; none when it is older than this tail.
  [[nodiscard]] std::optional<Position> PositionOf(ChannelId channel, Seq seq) const;
  [[nodiscard]] std::optional<Position> PositionOfId(ChannelId channel,
                                                     const keys::IdHash& hash) const;

  // Of `members`, `parked`, `failures` or `history`.
  [[nodiscard]] const Rows& rows(Family family) const { return rows_.at(family); }
  [[nodiscard]] const std::map<Family, Rows>& all_rows() const { return rows_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] const absl::flat_hash_map<ChannelId, ChannelPositions>& index() const {
    return index_;
  }
  using IdKey = std::pair<ChannelId, keys::IdHash>;
  [[nodiscard]] const absl::flat_hash_map<IdKey, Position>& ids() const { return ids_; }
  // Channels whose row changed.
  [[nodiscard]] const std::set<ChannelId>& changed_channels() const { return changed_channels_; }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Position last_position() const { return last_position_; }

 private:
  void ApplyMessage(const StoredMessage& stored);
  void ApplyEvent(const TailEvent& event);
  void PutLedger(const std::string& client, ChannelId channel, const TailEvent& event);
  void Put(Family family, std::string key, std::optional<std::string> value);

  absl::flat_hash_map<ChannelId, ChannelPositions> index_;
  absl::flat_hash_map<IdKey, Position> ids_;
  std::set<ChannelId> changed_channels_;
  Ledger ledger_;
  std::map<Family, Rows> rows_ = {{Family::kMembers, {}},
                                  {Family::kParked, {}},
                                  {Family::kFailures, {}},
                                  {Family::kHistory, {}}};
  std::size_t size_ = 0;
  Position last_position_;
};

}  // namespace ackwire
