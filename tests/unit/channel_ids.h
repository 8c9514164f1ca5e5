// Channels of tests that need nothing of them but their numbers.
#pragma once

#include "store/types.h"

namespace ackwire {

inline constexpr ChannelId kRoomId{1};
inline constexpr ChannelId kHallId{2};

}  // namespace ackwire
