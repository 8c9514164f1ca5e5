// The channels, as they stand in RocksDB.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/channel_table.h"
#include "store/database.h"
#include "store/status.h"

namespace ackwire {

// All of them, in order of id, without gaps: one that has no row, because it was named by nothing
// yet where the fold ended, has a place without a name.
//   kDataLoss  a row is damaged
[[nodiscard]] StatusOr<std::vector<ChannelInfo>> ReadChannels(const Database& database);
// Between commits each has a name.
//   kDataLoss  one has none
[[nodiscard]] Status CheckNamed(const std::vector<ChannelInfo>& channels);

// The value of a channel's row.
[[nodiscard]] std::string MakeChannelRow(const ChannelInfo& channel);

// The same without what no later fold need find again. One that is damaged stays as it is.
[[nodiscard]] std::string WithoutUnheard(std::string_view value);

}  // namespace ackwire
