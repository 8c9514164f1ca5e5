// Tail is the newest part of every derived family, in memory: what commits brought since the last
// checkpoint. It folds what needs no older state; ledger events are kept as they are, and whoever
// reads a ledger row folds them onto it.
//
// Threads: guarded by its owner, Derived; read-only once frozen.
// Bounds:  the writer waits when `size()` or `bytes()` passes its bound in store/derived.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "store/committed_group.h"
#include "store/database.h"
#include "store/keys.h"
#include "store/types.h"

namespace ackwire {

// A journal event. All ledger rows that it changes share the one.
struct TailEvent {
  EventId id;
  std::shared_ptr<const store::Event> what;
  [[nodiscard]] const store::Event& event() const { return *what; }
};

// A message id within its channel.
struct IdKey {
  ChannelId channel;
  keys::IdHash hash{};
  friend bool operator==(const IdKey&, const IdKey&) = default;
  // In the order of their rows: bytes are unsigned there, and chars may not be.
  friend bool operator<(const IdKey& a, const IdKey& b) {
    if (a.channel != b.channel) return a.channel < b.channel;
    return std::memcmp(a.hash.data(), b.hash.data(), a.hash.size()) < 0;
  }

  // What is a hash already needs no other.
  struct Hash {
    std::size_t operator()(const IdKey& key) const {
      std::uint64_t word = 0;
      std::memcpy(&word, key.hash.data(), sizeof(word));
      constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15ULL;
      return word ^ (key.channel.value * kSpread);
    }
  };
};

class Tail {
 public:
  Tail() = default;
  // About so many messages are expected: growing bit by bit would stop the writer now and then.
  explicit Tail(std::size_t messages) { ids_.reserve(messages); }

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
  // Begins to fetch from memory what PositionOfId will look at.
  void PrefetchId(ChannelId channel, const keys::IdHash& hash) const {
    ids_.prefetch(IdKey{channel, hash});
  }

  // Of `members`, `parked`, `failures` or `history`.
  [[nodiscard]] const Rows& rows(Family family) const { return rows_.at(family); }
  [[nodiscard]] const std::map<Family, Rows>& all_rows() const { return rows_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] const absl::flat_hash_map<ChannelId, ChannelPositions>& index() const {
    return index_;
  }
  using Ids = absl::flat_hash_map<IdKey, Position, IdKey::Hash>;
  [[nodiscard]] const Ids& ids() const { return ids_; }
  // Channels whose row changed.
  [[nodiscard]] const absl::flat_hash_set<ChannelId>& changed_channels() const {
    return changed_channels_;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  // Of memory, about; and of these, what is not of messages.
  [[nodiscard]] std::size_t bytes() const { return message_bytes_ + event_bytes_; }
  [[nodiscard]] std::size_t event_bytes() const { return event_bytes_; }
  [[nodiscard]] Position last_position() const { return last_position_; }

 private:
  void ApplyMessage(const StoredMessage& stored);
  void ApplyEvent(const TailEvent& event);
  void ApplyAcked(const TailEvent& event);
  void PutLedger(const std::string& client, ChannelId channel, const TailEvent& event);
  void Put(Family family, std::string key, std::optional<std::string> value);

  absl::flat_hash_map<ChannelId, ChannelPositions> index_;
  Ids ids_;
  absl::flat_hash_set<ChannelId> changed_channels_;
  Ledger ledger_;
  std::map<Family, Rows> rows_ = {{Family::kMembers, {}},
                                  {Family::kParked, {}},
                                  {Family::kFailures, {}},
                                  {Family::kHistory, {}}};
  std::size_t size_ = 0;
  std::size_t message_bytes_ = 0;
  std::size_t event_bytes_ = 0;
  Position last_position_;
};

}  // namespace ackwire
