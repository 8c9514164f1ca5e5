// A row of `index`: where consecutive seqs of one channel are in the log. What a tail brings of a
// busy channel is a row or a few, so merging the family costs next to nothing a message.
//
// Rows of a channel do not overlap, but how its seqs are cut into rows depends on when the tails
// were moved to disk. Rows of format 1 hold one seq each, and read the same.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/types.h"

namespace ackwire {

// A reader of one seq reads a whole row: 1 KiB.
inline constexpr std::size_t kIndexRowMax = 128;

struct IndexRow {
  ChannelId channel;
  Seq first;
  Seq last;                    // the key's
  std::string_view positions;  // of each seq from first to last

  // None when key or value is not a row's.
  [[nodiscard]] static std::optional<IndexRow> Parse(std::string_view key, std::string_view value);
  // The value of a row. REQUIRES: at least one, at most kIndexRowMax.
  [[nodiscard]] static std::string ValueOf(std::span<const Position> positions);

  // REQUIRES: first <= seq <= last.
  [[nodiscard]] Position PositionOf(Seq seq) const;
};

}  // namespace ackwire
